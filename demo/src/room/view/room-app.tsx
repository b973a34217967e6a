// The part of the page that needs no server: the entrance to a room, the room itself, the laboratory and the replay. Loaded when its address is opened, so that the
// rest of the page does not carry the engine.
import { useEffect, useState } from 'react';
import type { ReactElement } from 'react';
import { useLive } from '@raftkv/react';
import { answerInvitation } from '@raftkv/transport/webrtc';
import { LabPage } from '../lab/lab-page.tsx';
import { drawRoomId, linkTo, parseRoomPath } from '../paths.ts';
import type { RoomPath } from '../paths.ts';
import { ReplayPage } from '../replay/replay-page.tsx';
import { roomHash } from '../room-hash.ts';
import { TabRoom } from '../source/tab-room.ts';
import { RoomFloor } from './room-floor.tsx';
import { Landing } from './landing.tsx';
import { Invited } from './invited.tsx';

export function RoomApp(): ReactElement {
  const path = parseRoomPath(useLive(roomHash)) ?? { type: 'landing' };
  /** Made here just now, so not to be looked for. */
  const [founded, setFounded] = useState<string>();
  const make = (): void => {
    const room = drawRoomId();
    setFounded(room);
    location.hash = `#/room/${room}`;
  };
  if (path.type === 'break-it') return <LabPage />;
  if (path.type === 'replay') return <ReplayPage />;
  if (path.type === 'landing') return <Landing onMake={make} />;
  return <Entrance key={path.room} path={path} founds={path.room === founded} />;
}

type RoomAt = Extract<RoomPath, { readonly type: 'room' }>;

function Entrance({ path, founds }: { readonly path: RoomAt; readonly founds: boolean }): ReactElement {
  const [source, setSource] = useState<TabRoom>();
  const [code, setCode] = useState<string>();
  const [problem, setProblem] = useState<string>();
  useEffect(() => {
    let isLeft = false;
    let opened: TabRoom | undefined;
    const enter = (bridge: ConstructorParameters<typeof TabRoom>[0]['bridge']): void => {
      if (isLeft) return;
      opened = new TabRoom({ room: path.room, founds, hints: path.hints, bridge });
      setSource(opened);
      void opened.open();
    };
    const answer = async (invitation: string): Promise<void> => {
      const answered = await answerInvitation(invitation);
      setCode(answered.code);
      enter(await answered.channel);
      // The code is used up: who reloads comes back as a member.
      history.replaceState(undefined, '', linkTo(path.room, undefined));
    };
    // Not before React has made up its mind: in development it opens everything twice.
    const timer = setTimeout(() => {
      if (path.invitation === undefined) enter(undefined);
      else void answer(path.invitation).catch((error: Error) => setProblem(error.message));
    }, 0);
    return () => {
      isLeft = true;
      clearTimeout(timer);
      void opened?.close();
    };
    // Once for each room: a change of the rest of the address is no reason to leave it.
  }, [path.room]);
  if (source !== undefined) return <RoomFloor source={source} />;
  if (path.invitation !== undefined) return <Invited code={code} problem={problem} />;
  return <p className="state-line">Opening.</p>;
}
