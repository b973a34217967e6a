// The picture of a room: its members in a ring, the leader filled, around each its election timer; the links with their kind, and the messages on them.
import { useEffect, useState } from 'react';
import type { ReactElement } from 'react';
import type { RoomSource } from '../source/room-source.ts';
import type { LinkSight, MemberSight, RoomView } from '../source/room-view.ts';
import { Flights } from './flights.tsx';
import { arcPath, labelPlace, narrowFrame, placeOf, wideFrame, nameSizeOf } from './geometry.ts';
import type { Frame, Point } from './geometry.ts';
import { useRates } from './rates.ts';
import { capital, roleOf } from './words.ts';

interface RingProps {
  readonly view: RoomView;
  readonly source: Pick<RoomSource, 'flights'>;
  /** Ticks of an election timeout. */
  readonly electionTimeoutTicks: number;
}

export function Ring({ view, source, electionTimeoutTicks }: RingProps): ReactElement {
  const frame = useFrame();
  const rates = useRates(source);
  const { members, leader } = view;
  const places = new Map(members.map(({ name }, at) => [name, placeOf(at, members.length, frame)]));
  return (
    <svg
      className="room-ring"
      viewBox={`0 0 ${frame.width} ${frame.height}`}
      role="img"
      aria-label={describe(view)}
      data-frame={frame === wideFrame ? 'wide' : 'narrow'}
    >
      {view.links.map((link) => (
        <Link key={`${link.a} ${link.b}`} link={link} places={places} />
      ))}
      <Flights source={source} places={places} radius={frame.radius} />
      {members.length <= 5 &&
        view.links.map((link) => (
          <LinkLabel
            key={`${link.a} ${link.b}`}
            link={link}
            places={places}
            count={members.length}
            isNarrow={frame === narrowFrame}
            rate={(rates.get(`${link.a} ${link.b}`) ?? 0) + (rates.get(`${link.b} ${link.a}`) ?? 0)}
          />
        ))}
      {members.map((member) => (
        <Member
          key={member.name}
          member={member}
          place={places.get(member.name)!}
          radius={frame.radius}
          leader={leader}
          electionTimeoutTicks={electionTimeoutTicks}
        />
      ))}
    </svg>
  );
}

function Link({
  link,
  places,
}: {
  readonly link: LinkSight;
  readonly places: ReadonlyMap<string, Point>;
}): ReactElement {
  const [a, b] = [places.get(link.a)!, places.get(link.b)!];
  const state = link.isCut ? 'is-cut' : link.kind === undefined ? 'is-missing' : `is-${link.kind.toLowerCase()}`;
  return <line className={`link ${state}`} x1={a.x} y1={a.y} x2={b.x} y2={b.y} />;
}

function LinkLabel(props: {
  readonly link: LinkSight;
  readonly places: ReadonlyMap<string, Point>;
  readonly count: number;
  readonly isNarrow: boolean;
  readonly rate: number;
}): ReactElement | null {
  const { link, places, count, isNarrow, rate } = props;
  if (link.kind === undefined && !link.isCut) return null;
  const { x, y } = labelPlace(places.get(link.a)!, places.get(link.b)!, count);
  const kind = link.isCut ? 'cut' : link.kind!;
  const text = isNarrow && kind === 'BroadcastChannel' ? 'Broadcast' : kind;
  const figures = link.isCut ? '' : `${Math.round(rate)} msg/s`;
  const width = 14 + 6.2 * Math.max(text.length, figures.length);
  return (
    <g className={`link-label${link.isCut ? ' is-cut' : ''}`} transform={`translate(${x.toFixed(1)} ${y.toFixed(1)})`}>
      <title>{`${link.a} and ${link.b}: ${kind}`}</title>
      <rect x={-width / 2} y={figures === '' ? -9 : -15} width={width} height={figures === '' ? 18 : 30} rx="9" />
      <text textAnchor="middle" y={figures === '' ? 4 : -2}>
        {text}
        {figures !== '' && (
          <tspan x="0" dy="12" className="rate">
            {figures}
          </tspan>
        )}
      </text>
    </g>
  );
}

interface MemberProps {
  readonly member: MemberSight;
  readonly place: Point;
  readonly radius: number;
  readonly leader: string | undefined;
  readonly electionTimeoutTicks: number;
}

function Member({ member, place, radius, leader, electionTimeoutTicks }: MemberProps): ReactElement {
  const { name, isSelf, isVoter, tell } = member;
  const role = roleOf(member, leader);
  const share = tell === undefined ? 0 : tell.silentTicks / (2 * electionTimeoutTicks);
  const hasTimer = member.isThere && isVoter && tell !== undefined && tell.role !== 'leader';
  return (
    <g
      className={`seat is-${role.replace(' ', '-')}${isSelf ? ' is-self' : ''}`}
      transform={`translate(${place.x.toFixed(1)} ${place.y.toFixed(1)})`}
    >
      <title>{`${name}: ${role}${hasTimer ? `, ${tell.silentTicks} ticks since it heard a leader` : ''}`}</title>
      <circle className="ground" r={radius + 6} />
      <circle className="body" r={radius} />
      {hasTimer && (
        <>
          <circle className="timer-track" r={radius + 6} />
          <path className={`timer${share > 0.5 ? ' is-late' : ''}`} d={arcPath(radius + 6, share)} />
        </>
      )}
      <text className="name" textAnchor="middle" y="-2" style={{ fontSize: `${nameSizeOf(name, radius)}px` }}>
        {name}
      </text>
      <text className="role" textAnchor="middle" y="13">
        {role}
      </text>
      {isSelf && (
        <text className="self" textAnchor="middle" y={radius + 22}>
          this tab
        </text>
      )}
    </g>
  );
}

function describe({ members, leader }: RoomView): string {
  const who = members.map((member) => `${member.name} ${roleOf(member, leader)}`).join(', ');
  return members.length === 0 ? 'Nobody is here yet' : `${capital(who)}`;
}

function useFrame(): Frame {
  const [isNarrow, setIsNarrow] = useState(() => matchMedia('(max-width: 620px)').matches);
  useEffect(() => {
    const query = matchMedia('(max-width: 620px)');
    const look = (): void => setIsNarrow(query.matches);
    query.addEventListener('change', look);
    return () => query.removeEventListener('change', look);
  }, []);
  return isNarrow ? narrowFrame : wideFrame;
}

export function Legend(): ReactElement {
  return (
    <p className="legend">
      <span>
        <i className="dot-sign is-heartbeat" /> heartbeat
      </span>
      <span>
        <i className="dot-sign is-entries" /> entries
      </span>
      <span>
        <i className="dot-sign is-answer" /> answer
      </span>
      <span>
        <i className="dot-sign is-vote" /> vote
      </span>
      <span>
        <i className="arc-sign" /> silence since a leader was heard; past the half it may campaign
      </span>
    </p>
  );
}
