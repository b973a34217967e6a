// How others come into the room: a link for tabs that find this one by themselves, and for another browser without a server in between, two codes that people
// carry back and forth.
import { useState } from 'react';
import type { ReactElement } from 'react';
import { RaftkvError } from 'raftkv';
import { Icon } from '../../parts/icon.tsx';
import type { Invitations } from '../source/room-source.ts';
import { IceField } from './ice-field.tsx';
import { pageLink } from '../paths.ts';

export function SharePanel({
  link: roomLink,
  company,
  invitations,
}: {
  /** Of the room. */
  readonly link: string;
  /** Who else is there, in words; empty: nobody. */
  readonly company: string;
  readonly invitations: Invitations;
}): ReactElement {
  const link = pageLink(roomLink);
  return (
    <section className="panel share-panel" aria-labelledby="share-title">
      <div className="panel-head">
        <h2 id="share-title">Bring in others</h2>
        <a className="link" href={link} target="_blank" rel="noopener">
          <Icon name="window" /> Open another tab
        </a>
      </div>
      <Copyable label="Link to this room" value={link} />
      <OtherBrowser company={company} invitations={invitations} link={roomLink} />
      <IceField />
    </section>
  );
}

function Copyable({ label, value }: { readonly label: string; readonly value: string }): ReactElement {
  const [isCopied, setIsCopied] = useState(false);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(value);
      setIsCopied(true);
      setTimeout(() => setIsCopied(false), 2_000);
    } catch {
      // Not allowed here: the text is there to be selected.
    }
  };
  return (
    <div className="copyable">
      <input readOnly value={value} aria-label={label} onFocus={(event) => event.target.select()} />
      <button type="button" className="strong" onClick={() => void copy()}>
        {isCopied ? 'Copied' : 'Copy'}
      </button>
      <span className="said" role="status">
        {isCopied ? 'Copied to the clipboard' : ''}
      </span>
    </div>
  );
}

type Step =
  | { readonly type: 'closed' }
  | { readonly type: 'making' }
  | { readonly type: 'waiting'; readonly link: string; readonly accept: (answer: string) => Promise<void> };

function OtherBrowser({
  company,
  invitations,
  link,
}: {
  readonly company: string;
  readonly invitations: Invitations;
  readonly link: string;
}): ReactElement {
  const [step, setStep] = useState<Step>({ type: 'closed' });
  const [problem, setProblem] = useState<string>();
  const [isTaking, setIsTaking] = useState(false);
  const begin = async (): Promise<void> => {
    setStep({ type: 'making' });
    setProblem(undefined);
    try {
      const { code, accept } = await invitations.invite();
      setStep({ type: 'waiting', link: pageLink(link, code), accept });
    } catch (error) {
      setProblem((error as Error).message);
      setStep({ type: 'closed' });
    }
  };
  const take = async (answer: string): Promise<void> => {
    if (step.type !== 'waiting' || answer.trim() === '') return;
    setIsTaking(true);
    setProblem(undefined);
    try {
      await step.accept(answer.trim());
      setStep({ type: 'closed' });
    } catch (error) {
      setProblem((error as Error).message);
      if (!isOfTheCode(error)) setStep({ type: 'closed' });
    }
    setIsTaking(false);
  };
  return (
    <div className="other-browser">
      {step.type !== 'waiting' ? (
        <p className="hollow">
          {company === ''
            ? 'Tabs of this browser, and of others on a server with a relay, find each other by the link. '
            : `${company} `}
          <button type="button" className="link" disabled={step.type === 'making'} onClick={() => void begin()}>
            {step.type === 'making' ? 'Making a code …' : 'Invite another browser, no server needed'}
          </button>
        </p>
      ) : (
        <>
          <p className="hollow">1. Open this link there. It shows a code.</p>
          <Copyable label="Invitation for another browser" value={step.link} />
          <form
            className="copyable"
            onSubmit={(event) => {
              event.preventDefault();
              void take(new FormData(event.currentTarget).get('answer') as string);
            }}
          >
            <input name="answer" aria-label="Code from the other browser" placeholder="2. Paste its code here" />
            <button type="submit" disabled={isTaking}>
              {isTaking ? 'Connecting …' : 'Connect'}
            </button>
          </form>
        </>
      )}
      {problem !== undefined && (
        <p className="conflict" role="alert">
          {problem}
        </p>
      )}
    </div>
  );
}

/** Another code may do. After anything else the invitation is of no more use. */
function isOfTheCode(error: unknown): boolean {
  return ['bad_frame', 'unsupported_version', 'invalid_argument'].includes(RaftkvError.from(error).code);
}
