// What a page shows that was opened by an invitation: the code that has to be carried back before there is a way to the room.
import { useState } from 'react';
import type { ReactElement } from 'react';

export function Invited({
  code,
  problem,
}: {
  readonly code: string | undefined;
  readonly problem: string | undefined;
}): ReactElement {
  return (
    <main id="main" tabIndex={-1} className="landing">
      <h2>You are invited to a room</h2>
      {problem === undefined ? (
        <CodeToCarryBack code={code} />
      ) : (
        <p className="conflict" role="alert">
          The invitation cannot be used: {problem}. Ask for another one.
        </p>
      )}
    </main>
  );
}

function CodeToCarryBack({ code }: { readonly code: string | undefined }): ReactElement {
  const [isCopied, setIsCopied] = useState(false);
  const copy = (): void =>
    void navigator.clipboard.writeText(code ?? '').then(
      () => setIsCopied(true),
      () => undefined,
    );
  return (
    <>
      <p className="lead">
        Carry this code back to the page that invited you. As soon as it is pasted there, this tab is in.
      </p>
      <div className="copyable">
        <input
          readOnly
          value={code ?? ''}
          placeholder="Making the code …"
          aria-label="Code to carry back"
          onFocus={(event) => event.target.select()}
        />
        <button type="button" className="strong" disabled={code === undefined} onClick={copy}>
          {isCopied ? 'Copied' : 'Copy'}
        </button>
      </div>
      <p className="hollow" role="status">
        {isCopied ? 'Copied. Waiting for the other page.' : 'Waiting.'}
      </p>
    </>
  );
}
