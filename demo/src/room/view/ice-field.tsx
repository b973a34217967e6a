// How far an invitation reaches, said plainly, and the field for the STUN and TURN servers by which it reaches further.
import { useState } from 'react';
import type { ReactElement } from 'react';
import { keepIceServers, parseIceServers, readIceSetting } from '../ice-servers.ts';
import type { IceSetting } from '../ice-servers.ts';

export function IceField(): ReactElement {
  const [setting, setSetting] = useState(readIceSetting);
  const [isOpen, setIsOpen] = useState(false);
  const [problem, setProblem] = useState(() => problemOf(setting));
  const save = (text: string): void => {
    try {
      keepIceServers(text);
      setSetting({ text: text.trim(), isFromAddress: false });
      setProblem(undefined);
      setIsOpen(false);
    } catch (error) {
      setProblem((error as Error).message);
    }
  };
  return (
    <div className="ice">
      <p className="hollow">
        {reach(setting)}{' '}
        {!setting.isFromAddress && (
          <button type="button" className="link" aria-expanded={isOpen} onClick={() => setIsOpen(!isOpen)}>
            {setting.text === '' ? 'Set STUN or TURN' : 'Change'}
          </button>
        )}
      </p>
      {isOpen && (
        <form
          className="ice-form"
          onSubmit={(event) => {
            event.preventDefault();
            save(new FormData(event.currentTarget).get('servers') as string);
          }}
        >
          <textarea
            name="servers"
            rows={2}
            spellCheck={false}
            autoComplete="off"
            aria-label="STUN and TURN servers, one a line"
            placeholder={'stun:stun.example.org\nturn:turn.example.org user password'}
            defaultValue={setting.text}
          />
          <button type="submit">Keep</button>
        </form>
      )}
      {problem !== undefined && (
        <p className="conflict" role="alert">
          {problem}
        </p>
      )}
    </div>
  );
}

function reach(setting: IceSetting): string {
  const count = problemOf(setting) === undefined ? parseIceServers(setting.text).length : 0;
  if (count === 0) {
    return 'An invitation works on one machine or local network; beyond that, both browsers need a STUN server, and behind strict routers a TURN server.';
  }
  const where = setting.isFromAddress ? 'by the address of this page' : 'in this browser';
  return `${count === 1 ? 'One STUN or TURN server is' : `${count} STUN and TURN servers are`} set ${where}, for invitations from now on, and for the room once the page is loaded again.`;
}

function problemOf({ text }: IceSetting): string | undefined {
  try {
    parseIceServers(text);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
