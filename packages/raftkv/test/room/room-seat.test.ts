// The seat of a tab in its room, as the leader's word reaches it: what was let in is the storage that this tab would have, or nothing is made of it.
import { drawStoreId } from '@raftkv/storage';
import { tabAddress } from '@raftkv/server';
import { encodeConfiguration } from '@raftkv/wire';
import { afterEach, expect, it, vi } from 'vitest';
import { toHex } from '../../src/room/hex.ts';
import { RoomSeat } from '../../src/room/room-seat.ts';
import { within } from './room-acts.ts';
import { Page, Profile, Stage } from './room-stage.ts';

const word = 'w1';
let seat: RoomSeat | undefined;
afterEach(() => seat?.member?.close());

async function openSeat() {
  const page = new Page(new Stage(), new Profile('p1'));
  const { platform } = page;
  const slots = await platform.openSlots('r1');
  const created = vi.spyOn(slots, 'create');
  const network = platform.openNetwork({
    roomId: 'r1',
    secret: '',
    word,
    onChannel: () => undefined,
    onPresence: () => undefined,
  });
  const opened = new RoomSeat({
    word,
    slots,
    platform,
    network,
    policy: {},
    inside: {},
    electionTimeoutMilliseconds: 1_000,
    priority: () => 1,
    tabs: () => [],
    send: () => undefined,
    onChange: () => undefined,
    onSetAside: () => undefined,
    isOver: () => false,
  });
  seat = opened;
  return { seat: opened, created };
}

/** The leader let in a tab of this word with that storage, as that member. */
function admit(to: RoomSeat, storeId: string | undefined, learner = '0000000000000002'): void {
  const record = (id: string, of: string, store: string | undefined) => {
    const address = tabAddress(of);
    return { id, name: `tab-${of}`, address, storeId: store, kind: 'tab' as const, domain: 'p1' };
  };
  const leader = 'f000000000000001';
  const configuration = encodeConfiguration({
    voters: [leader],
    votersOutgoing: [],
    learners: [learner],
    learnersNext: [],
    members: [record(learner, word, storeId), record(leader, 'w0', drawStoreId())],
  });
  to.admitted({
    type: 'admitted',
    clusterId: 'c1',
    memberId: learner,
    configuration: toHex(configuration),
    configurationIndex: 2,
    lineage: { epoch: 1, before: [] },
  });
}

it('makes a member of the storage that was let in', async () => {
  const { seat: open, created } = await openSeat();
  admit(open, open.storeId);
  await vi.waitFor(() => expect(open.member?.id).toBe('0000000000000002'), within);
  expect(created).toHaveBeenCalledOnce();
});

it.each(['another one', 'none'])('makes none where %s was let in, as one that was given up since', async (which) => {
  const { seat: open, created } = await openSeat();
  admit(open, which === 'none' ? undefined : drawStoreId(), '0000000000000003');
  // And is not kept from the next word, which is right.
  admit(open, open.storeId);
  await vi.waitFor(() => expect(open.member?.id).toBe('0000000000000002'), within);
  expect(created).toHaveBeenCalledOnce();
});
