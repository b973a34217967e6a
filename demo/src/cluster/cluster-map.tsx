// The picture of the cluster: its members on a ring, the leader filled, lines as wide as what travels on them.
import type { ReactElement } from 'react';
import type { ClusterView, MemberHealth, MemberView } from '../model/cluster-view.ts';
import type { Flow } from '../model/traffic.ts';
import { formatBytes } from '../model/format.ts';
import { frame, lineWidth, memberRadius, placeOf } from './ring.ts';
import type { Point } from './ring.ts';
import { describeMember, describeWay } from './member-words.ts';
import { TrafficDots } from './traffic-dots.tsx';

export function ClusterMap({ view }: { readonly view: ClusterView }): ReactElement {
  const { members, flows, leader } = view;
  const places = new Map(members.map(({ name }, at) => [name, placeOf(at, members.length)]));
  return (
    <svg
      className="ring"
      viewBox={`0 0 ${frame.width} ${frame.height}`}
      role="img"
      aria-label={`${members.length} nodes; ${leader === undefined ? 'no leader is known' : `${leader} leads`}`}
    >
      {pairsOf(members).map(([a, b]) => (
        <Edge key={`${a.name} ${b.name}`} a={a} b={b} flows={flows} places={places} isLabelled={members.length <= 3} />
      ))}
      <TrafficDots flows={flows} places={places} />
      {members.map((member) => (
        <Member key={member.name} member={member} place={places.get(member.name)!} isLeader={member.name === leader} />
      ))}
    </svg>
  );
}

interface EdgeProps {
  readonly a: MemberView;
  readonly b: MemberView;
  readonly flows: readonly Flow[];
  readonly places: ReadonlyMap<string, Point>;
  readonly isLabelled: boolean;
}

function Edge({ a, b, flows, places, isLabelled }: EdgeProps): ReactElement {
  const [from, to] = [places.get(a.name)!, places.get(b.name)!];
  const both = flows.filter(
    (flow) => (flow.from === a.name && flow.to === b.name) || (flow.from === b.name && flow.to === a.name),
  );
  const messages = both.reduce((sum, flow) => sum + flow.messagesPerSecond, 0);
  const bytes = both.reduce((sum, flow) => sum + flow.bytesPerSecond, 0);
  const isDown = [a, b].some(({ health }) => health !== 'up' && health !== 'heard');
  const way = a.ways.find((each) => each.to === b.name) ?? b.ways.find((each) => each.to === a.name);
  const says = `${Math.round(messages)} msg/s, ${formatBytes(bytes)}/s${way === undefined ? '' : `, ${describeWay(way)}`}`;
  const middle = { x: (from.x + to.x) / 2, y: (from.y + to.y) / 2 };
  // Beside the line, outside of the triangle.
  const out = middle.x < frame.width / 2 - 1 ? -1 : middle.x > frame.width / 2 + 1 ? 1 : 0;
  return (
    <g className={`edge${isDown ? ' is-down' : ''}${way?.isRelayed === true ? ' is-relayed' : ''}`}>
      <title>{`${a.name} and ${b.name}: ${says}`}</title>
      <line x1={from.x} y1={from.y} x2={to.x} y2={to.y} strokeWidth={isDown ? 1 : lineWidth(bytes)} />
      {isLabelled && !isDown && both.length > 0 && (
        <text
          x={middle.x + out * 21}
          y={middle.y + (out === 0 ? 22 : 0)}
          textAnchor={out < 0 ? 'end' : out > 0 ? 'start' : 'middle'}
        >
          <tspan>{Math.round(messages)} msg/s</tspan>
          <tspan x={middle.x + out * 21} dy="12">
            {formatBytes(bytes)}/s
          </tspan>
        </text>
      )}
    </g>
  );
}

interface MemberProps {
  readonly member: MemberView;
  readonly place: Point;
  readonly isLeader: boolean;
}

function Member({ member, place, isLeader }: MemberProps): ReactElement {
  const { name, health, status } = member;
  const kind = kindOf(health, isLeader, status?.role);
  return (
    <g className={`member ${kind}`} transform={`translate(${place.x} ${place.y})`}>
      {isLeader && <circle className="halo" r={memberRadius + 5} />}
      <circle className="body" r={memberRadius} />
      <text className="name" textAnchor="middle" y="-1">
        {name}
      </text>
      <text className="role" textAnchor="middle" y="12">
        {describeMember(member, isLeader)}
      </text>
    </g>
  );
}

function kindOf(health: MemberHealth, isLeader: boolean, role: string | undefined): string {
  if (health !== 'up' && health !== 'heard') return 'is-down';
  if (isLeader) return 'is-leader';
  return health === 'heard' || role === 'follower' ? 'is-follower' : 'is-candidate';
}

function pairsOf(members: readonly MemberView[]): readonly (readonly [MemberView, MemberView])[] {
  return members.flatMap((a, at) => members.slice(at + 1).map((b) => [a, b] as const));
}
