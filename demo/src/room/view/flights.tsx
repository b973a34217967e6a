// Messages on their way between the members, one dot each for as long as there are few: drawn frame by frame beside React, from what the core of this tab sent
// and took in and what others told. Whoever wants less motion gets none; the links' figures say the same.
import { useEffect, useRef } from 'react';
import type { ReactElement } from 'react';
import type { MessageKind } from '../core/core-watch.ts';
import type { Flight, RoomSource } from '../source/room-source.ts';
import { laneOf } from './geometry.ts';
import type { Point } from './geometry.ts';

const travelMilliseconds = 420;
const mostDots = 160;
/** Two dots of a kind on one lane keep this distance; what comes faster is added to the next one. */
const spacingMilliseconds = 70;
const radii: Readonly<Record<MessageKind, number>> = {
  heartbeat: 3,
  answer: 2,
  entries: 4.2,
  vote: 4.2,
  snapshot: 6.5,
};

interface Dot {
  readonly element: SVGCircleElement;
  readonly flight: Flight;
  readonly startedAt: number;
}

export function Flights(props: {
  readonly source: Pick<RoomSource, 'flights'>;
  readonly places: ReadonlyMap<string, Point>;
  readonly radius: number;
}): ReactElement {
  const { source } = props;
  const group = useRef<SVGGElement>(null);
  const latest = useRef(props);
  useEffect(() => {
    latest.current = props;
  });
  useEffect(() => {
    if (matchMedia('(prefers-reduced-motion: reduce)').matches) return undefined;
    return animate(group.current!, source, () => latest.current);
  }, [source]);
  return <g ref={group} className="flights" aria-hidden="true" />;
}

type Stage = { readonly places: ReadonlyMap<string, Point>; readonly radius: number };

function animate(home: SVGGElement, source: Pick<RoomSource, 'flights'>, stage: () => Stage): () => void {
  const lastOnLane = new Map<string, { at: number; count: number }>();
  let dots: Dot[] = [];
  let frame = 0;
  const step = (now: number): void => {
    dots = dots.filter((dot) => move(dot, now, stage()));
    frame = dots.length > 0 ? requestAnimationFrame(step) : 0;
  };
  const stop = source.flights.listen((flight) => {
    const now = performance.now();
    const lane = `${flight.from} ${flight.to} ${flight.kind}`;
    const last = lastOnLane.get(lane) ?? { at: 0, count: 0 };
    lastOnLane.set(lane, last);
    last.count += flight.count;
    if (now - last.at < spacingMilliseconds || dots.length >= mostDots) return;
    const element = document.createElementNS('http://www.w3.org/2000/svg', 'circle');
    element.setAttribute('class', `is-${flight.kind}${flight.isLost ? ' is-lost' : ''}`);
    element.setAttribute('r', (radii[flight.kind] * Math.min(1.8, 1 + Math.log10(last.count) / 2)).toFixed(1));
    home.append(element);
    dots.push({ element, flight, startedAt: now });
    Object.assign(last, { at: now, count: 0 });
    if (frame === 0) frame = requestAnimationFrame(step);
  });
  return () => {
    stop();
    cancelAnimationFrame(frame);
    home.replaceChildren();
  };
}

/** False: it has arrived, or was lost on the way. */
function move({ element, flight, startedAt }: Dot, now: number, { places, radius }: Stage): boolean {
  const way = Math.max(0, (now - startedAt) / travelMilliseconds);
  const [start, end] = [places.get(flight.from), places.get(flight.to)];
  if (start === undefined || end === undefined || way >= (flight.isLost ? 0.55 : 1)) {
    element.remove();
    return false;
  }
  const [from, to] = laneOf(start, end, radius);
  element.setAttribute('cx', (from.x + (to.x - from.x) * way).toFixed(1));
  element.setAttribute('cy', (from.y + (to.y - from.y) * way).toFixed(1));
  return true;
}
