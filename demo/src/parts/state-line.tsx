// The line under the header: what whoever looks at this tab should know now, in plain words. It is always there, so nothing moves when it
// changes.
import type { ReactElement } from 'react';
import { useLive, useStatus } from '@raftkv/react';
import { usePage } from '../context.ts';
import { adviseOn } from '../model/words.ts';
import type { Advice } from '../model/words.ts';
import { writesToShow } from '../model/write-log.ts';
import { isSwitchedOff } from '../tab/online.ts';

export function StateLine({ failure }: { readonly failure: Error | undefined }): ReactElement {
  const { watch, writes } = usePage();
  const status = useStatus();
  const advice = adviseOn(status, useLive(watch.view), useLive(isSwitchedOff), writesToShow(useLive(writes)));
  const shown: Advice =
    failure === undefined ? advice : { tone: 'bad', title: 'This tab has no replica', text: failure.message };
  return (
    <p className={`state-line is-${shown.tone}`} role="status">
      <span className="dot" aria-hidden="true" />
      <span>
        <strong>{shown.title}.</strong> {shown.text}
      </span>
    </p>
  );
}
