// The page of the suite about rooms that browsers enter by codes: that of `room.ts`, with a meeting instead of an address.
import { createRoom, joinRoom, meetByCodes } from 'raftkv/room';
import type { WebRoomOptions } from 'raftkv/room';
import { roomLab } from './room.ts';

const codes = meetByCodes();
let accept: (answer: string) => Promise<void>;
let opened: Promise<void>;
let closeInvitation: () => void;

const options: WebRoomOptions = {
  signalling: codes,
  policy: { stableMilliseconds: 500, steadyMilliseconds: 2_000, goneMilliseconds: 30_000 },
};

const said = (settled: Promise<void>): Promise<string> =>
  settled.then(
    () => 'in',
    (error: { readonly code: string }) => error.code,
  );

export const codesLab = {
  /** Answers the link. */
  create: async (): Promise<string> => {
    roomLab.room = await createRoom({ ...options, name: 'lab' });
    return roomLab.room.link;
  },
  join: async (link: string): Promise<void> => {
    roomLab.room = await joinRoom(link, options);
  },
  invite: async (): Promise<string> => {
    const invitation = await codes.invite();
    accept = (answer) => invitation.accept(answer);
    closeInvitation = () => invitation.close();
    return invitation.code;
  },
  answer: async (code: string): Promise<string> => {
    const answered = await codes.answer(code);
    opened = answered.opened;
    closeInvitation = () => answered.close();
    return answered.code;
  },
  /** What became of it: `in`, or why not. */
  accept: (answer: string): Promise<string> => said(accept(answer)),
  opened: (): Promise<string> => said(opened),
  /** Of the last invitation, or the answer to one. */
  closeInvitation: (): void => closeInvitation(),
  /** Of all of it. */
  close: (): void => codes.close(),
  browsers: (): number => codes.browsers,
};

export type CodesLab = typeof codesLab;
declare global {
  var codesLab: CodesLab;
}
globalThis.codesLab = codesLab;
