// What speaks for a read waits for a look at whose the storage is, one that began after it; all else goes at once.
import type { HeartbeatResponse, Message, ReadIndexResponse } from '@raftkv/raft';
import { RaftkvError } from '@raftkv/wire';
import { describe, expect, it } from 'vitest';
import { Vouching } from '../src/vouching.ts';

interface Look {
  readonly prove: () => Promise<void>;
  readonly refuse: (error: RaftkvError) => Promise<void>;
}

/** A storage whose looks end when the test says so; and all that was said, in order. */
function stage(): { vouching: Vouching; said: unknown[]; looks: Look[] } {
  const looks: Look[] = [];
  const said: unknown[] = [];
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const storage = {
    proveOwner: () =>
      new Promise<void>((resolve, reject) => {
        looks.push({
          prove: () => (resolve(), turn()),
          refuse: (error) => (reject(error), turn()),
        });
      }),
  };
  const vouching = new Vouching(storage, {
    send: (messages) => said.push(...messages.map(({ type, ...rest }) => [type, tokenOf(rest)])),
    confirm: ({ context, refused }) => said.push(refused === undefined ? ['read', context] : ['refused', context]),
    onFailed: (error) => said.push(['failed', RaftkvError.from(error).code]),
  });
  return { vouching, said, looks };
}

function tokenOf(message: object): unknown {
  return 'readToken' in message ? message.readToken : 'index' in message ? message.index : undefined;
}

const envelope = { from: 'a', to: 'b', term: 1 } as const;
const beat = (readToken: number): HeartbeatResponse => ({ type: 'heartbeatResponse', ...envelope, readToken });
const answer = (index: number | undefined): ReadIndexResponse => ({
  type: 'readIndexResponse',
  ...envelope,
  requestId: 1,
  index,
});
const append: Message = {
  type: 'appendResponse',
  ...envelope,
  success: true,
  matchIndex: 3,
  rejectedIndex: 0,
  conflictIndex: 0,
  conflictTerm: 0,
};

describe('vouching', () => {
  it('holds back what speaks for a read, and tells the leader at once that it is there', async () => {
    const { vouching, said, looks } = stage();
    vouching.send([beat(4), append, answer(7)]);
    expect(said).toEqual([
      ['appendResponse', undefined],
      ['heartbeatResponse', 0],
    ]);
    await looks[0]!.prove();
    expect(said.slice(2)).toEqual([
      ['heartbeatResponse', 4],
      ['readIndexResponse', 7],
    ]);
  });

  it('lets pass at once what speaks for none: heartbeats without a read, refusals, and messages without a look', () => {
    const { vouching, said, looks } = stage();
    vouching.send([beat(0), answer(undefined)]);
    vouching.confirm([{ context: 9, index: undefined, refused: 'no-leader' }]);
    expect(said).toEqual([
      ['heartbeatResponse', 0],
      ['readIndexResponse', undefined],
      ['refused', 9],
    ]);
    expect(looks).toEqual([]);
  });

  it('lets no look speak for what came after it began', async () => {
    const { vouching, said, looks } = stage();
    vouching.confirm([{ context: 1, index: 5, refused: undefined }]);
    vouching.confirm([{ context: 2, index: 6, refused: undefined }]);
    vouching.send([beat(8)]);
    await looks[0]!.prove();
    expect(said).toEqual([
      ['heartbeatResponse', 0],
      ['read', 1],
    ]);
    expect(looks.length).toBe(2);
    await looks[1]!.prove();
    expect(said.slice(2)).toEqual([
      ['heartbeatResponse', 8],
      ['read', 2],
    ]);
    expect(looks.length).toBe(2);
  });

  it('says nothing when the storage was taken over, but to its owner', async () => {
    const { vouching, said, looks } = stage();
    vouching.confirm([{ context: 1, index: 5, refused: undefined }]);
    await looks[0]!.refuse(new RaftkvError('storage_locked', 'taken over'));
    expect(said).toEqual([['failed', 'storage_locked']]);
  });

  it('says nothing more once it is closed', async () => {
    const { vouching, said, looks } = stage();
    vouching.confirm([{ context: 1, index: 5, refused: undefined }]);
    vouching.close();
    await looks[0]!.prove();
    expect(said).toEqual([]);
  });

  it('passes all on as it is where a storage cannot be taken over', () => {
    const said: unknown[] = [];
    const vouching = new Vouching(
      {},
      {
        send: (messages) => said.push(messages),
        confirm: (state) => said.push(state),
        onFailed: (error) => said.push(error),
      },
    );
    const messages = [beat(4), append];
    vouching.send(messages);
    vouching.confirm([{ context: 1, index: 5, refused: undefined }]);
    expect(said).toEqual([messages, { context: 1, index: 5, refused: undefined }]);
  });
});
