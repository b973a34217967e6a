// The part of the page that needs no server: the entrance to a room, the room itself, the laboratory and the replay. Loaded when its address is opened, so that the
// rest of the page does not carry the engine.
import { useEffect, useState } from 'react';
import type { ReactElement } from 'react';
import { useLive } from '@raftkv/react';
import { answerInvitation } from '@raftkv/transport/webrtc';
import { iceOptions } from '../ice-servers.ts';
import { LabPage } from '../lab/lab-page.tsx';
import { pageLink, parseRoomPath } from '../paths.ts';
import type { RoomPath } from '../paths.ts';
import { ReplayPage } from '../replay/replay-page.tsx';
import { roomHash } from '../room-hash.ts';
import { TabRoom } from '../source/tab-room.ts';
import { RoomFloor } from './room-floor.tsx';
import { Landing } from './landing.tsx';
import { Invited } from './invited.tsx';

export function RoomApp(): ReactElement {
  const path = parseRoomPath(useLive(roomHash)) ?? { type: 'landing' };
  if (path.type === 'break-it') return <LabPage />;
  if (path.type === 'replay') return <ReplayPage />;
  if (path.type === 'landing') return <Landing onMake={() => (location.hash = '#/room/new')} />;
  return <Entrance key={path.type === 'new' ? 'new' : path.link} path={path} />;
}

type RoomAt = Extract<RoomPath, { readonly type: 'room' | 'new' }>;

function Entrance({ path }: { readonly path: RoomAt }): ReactElement {
  const [source, setSource] = useState<TabRoom>();
  const [code, setCode] = useState<string>();
  const [problem, setProblem] = useState<string>();
  const link = path.type === 'new' ? undefined : path.link;
  const invitation = path.type === 'new' ? undefined : path.invitation;
  useEffect(() => {
    let isLeft = false;
    let opened: TabRoom | undefined;
    const enter = (bridge: ConstructorParameters<typeof TabRoom>[0]['bridge']): void => {
      if (isLeft) return;
      // The address is that of the room from then on, and an invitation is used up: who reloads comes back as who it was, with what stands before the "#".
      const onLink = (made: string): void => history.replaceState(undefined, '', new URL(pageLink(made)).hash);
      opened = new TabRoom({ link, bridge, onLink });
      setSource(opened);
      void opened.open();
    };
    const answer = async (invited: string): Promise<void> => {
      const answered = await answerInvitation(invited, iceOptions());
      setCode(answered.code);
      enter(await answered.channel);
    };
    // Not before React has made up its mind: in development it opens everything twice.
    const timer = setTimeout(() => {
      if (invitation === undefined) enter(undefined);
      else void answer(invitation).catch((error: Error) => setProblem(error.message));
    }, 0);
    return () => {
      isLeft = true;
      clearTimeout(timer);
      void opened?.close();
    };
    // Once for each room: a change of the rest of the address is no reason to leave it.
  }, [link]);
  if (source !== undefined) return <RoomFloor source={source} />;
  if (invitation !== undefined) return <Invited code={code} problem={problem} />;
  return <p className="state-line">Opening.</p>;
}
