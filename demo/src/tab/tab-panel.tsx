// This tab as a replica: who it is, what it holds, where it keeps that, how far it is behind, and the switches to take it offline and to forget it.
import { useEffect, useState } from 'react';
import type { ReactElement, ReactNode } from 'react';
import type { ReplicaStatus } from 'raftkv';
import { useKv, useLive, useStatus } from '@raftkv/react';
import { usePage } from '../context.ts';
import { formatCount } from '../model/format.ts';
import { Icon } from '../parts/icon.tsx';
import { isShared } from '../replica.ts';
import { isSwitchedOff } from './online.ts';

const tenancies: Readonly<Record<ReplicaStatus['tenancy'], string>> = {
  holder: 'holds the replica of this browser',
  attached: 'attached to the tab that holds it',
  alone: 'has a replica of its own',
};
const storages: Readonly<Record<ReplicaStatus['storage'], string>> = {
  strict: 'IndexedDB, strict',
  relaxed: 'IndexedDB, relaxed',
  memory: 'memory only',
};
const phases: Readonly<Record<ReplicaStatus['phase'], string>> = {
  loading: 'reading what it kept',
  syncing: 'fetching its first copy',
  ready: 'ready',
  failed: 'failed',
  closed: 'closed',
};

export function TabPanel(): ReactElement {
  const { watch } = usePage();
  const status = useStatus();
  const cluster = useLive(watch.view);
  const isHidden = useHidden();
  // By revisions: the log also holds entries that change nothing, such as those of elections.
  const lag = cluster.up > 0 && status.revision > 0 ? Math.max(0, cluster.revision - status.revision) : undefined;
  return (
    <section className="panel tab-panel" aria-labelledby="tab-title">
      <div className="panel-head">
        <h2 id="tab-title">This tab</h2>
        <p className="openers">
          <a className="link" href="/" target="_blank" rel="noopener">
            <Icon name="window" /> Open another
          </a>
          <a className="link" href="/?replica=per-tab" target="_blank" rel="noopener">
            with a replica of its own
          </a>
        </p>
      </div>
      <dl className="facts">
        <Fact name="Replica">
          <code>{status.replicaId === '' ? '…' : status.replicaId}</code>
        </Fact>
        <Fact name="Role">
          {status.role}, {tenancies[status.tenancy]}
        </Fact>
        <Fact name="State">
          {phases[status.phase]}, {status.connection}
          {isHidden ? ', hidden' : ''}
        </Fact>
        <Fact name="Kept in">{storages[status.storage]}</Fact>
        <Fact name="Revision">
          {formatCount(status.revision)} <span className="quiet">at log index {formatCount(status.index)}</span>
        </Fact>
        <Fact name="Behind">
          {lag === undefined ? '…' : lag === 0 ? 'by nothing' : `by ${formatCount(lag)} revisions`}
        </Fact>
        <Fact name="Keys">{formatCount(status.keys)}</Fact>
        <Fact name="Content hash">
          <code>{status.hash ?? '…'}</code>
        </Fact>
        <Fact name="Unsent writes">{formatCount(status.unsentWrites)}</Fact>
        <Fact name="Copies fetched">
          {formatCount(status.snapshots)}
          <span className="quiet"> whole, {formatCount(status.divergences)} because hashes differed</span>
        </Fact>
        <Fact name="Last problem">
          {status.error === undefined ? 'none' : `${status.error.message} (${status.error.code})`}
        </Fact>
        <Fact name="Cluster">
          <code>{status.clusterId ?? '…'}</code>
        </Fact>
      </dl>
      {status.replicaId !== '' && <Switches unsentWrites={status.unsentWrites} />}
    </section>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: ReactNode }): ReactElement {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Switches({ unsentWrites }: { readonly unsentWrites: number }): ReactElement {
  const kv = useKv();
  const { forget } = usePage();
  const isOff = useLive(isSwitchedOff);
  const [isSure, setIsSure] = useState(false);
  return (
    <div className="switches">
      <button
        type="button"
        role="switch"
        className="switch"
        aria-checked={!isOff}
        onClick={() => {
          isSwitchedOff.set(!isOff);
          kv.setOnline(isOff);
        }}
      >
        <span className="knob" aria-hidden="true" />
        Online
      </button>
      {!isShared ? (
        <p className="hollow">This replica is this tab’s alone, and goes with it.</p>
      ) : isSure ? (
        <span className="sure">
          <button type="button" className="danger" onClick={() => void forget()}>
            {unsentWrites === 0 ? 'Forget, and fetch it anew' : `Forget, and lose ${unsentWrites} unsent`}
          </button>
          <button type="button" onClick={() => setIsSure(false)}>
            Keep it
          </button>
        </span>
      ) : (
        <button type="button" onClick={() => setIsSure(true)}>
          Forget this copy
        </button>
      )}
    </div>
  );
}

function useHidden(): boolean {
  const [isHidden, setIsHidden] = useState(document.visibilityState === 'hidden');
  useEffect(() => {
    const look = (): void => setIsHidden(document.visibilityState === 'hidden');
    document.addEventListener('visibilitychange', look);
    return () => document.removeEventListener('visibilitychange', look);
  }, []);
  return isHidden;
}
