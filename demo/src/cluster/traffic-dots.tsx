// The dots that run between the members: drawn frame by frame beside React, at the rate of the messages that the members counted. Whoever wants less
// motion gets none; the lines' widths say the same.
import { useEffect, useRef } from 'react';
import type { ReactElement } from 'react';
import type { Flow } from '../model/traffic.ts';
import { dotRadius, dotsPerSecond, laneOf } from './ring.ts';
import type { Point } from './ring.ts';

const travelMilliseconds = 650;
const mostDots = 200;

interface Dot {
  readonly element: SVGCircleElement;
  readonly lane: readonly [Point, Point];
  readonly startedAt: number;
}

export function TrafficDots(props: {
  readonly flows: readonly Flow[];
  readonly places: ReadonlyMap<string, Point>;
}): ReactElement {
  const group = useRef<SVGGElement>(null);
  const latest = useRef(props);
  useEffect(() => {
    latest.current = props;
  });
  useEffect(() => {
    if (matchMedia('(prefers-reduced-motion: reduce)').matches) return undefined;
    const home = group.current!;
    const due = new Map<string, number>();
    let dots: Dot[] = [];
    let before = performance.now();
    let frame = requestAnimationFrame(function step(now) {
      // After a pause (a hidden tab) it goes on from here, without a burst.
      const seconds = Math.min(0.1, (now - before) / 1000);
      before = now;
      const { flows, places } = latest.current;
      for (const { from, to, messagesPerSecond, bytesPerSecond } of flows) {
        const [start, end] = [places.get(from), places.get(to)];
        if (start === undefined || end === undefined) continue;
        const name = `${from} ${to}`;
        let share = (due.get(name) ?? Math.random()) + dotsPerSecond(messagesPerSecond) * seconds;
        if (share >= 1) {
          share %= 1;
          if (dots.length < mostDots) {
            const element = document.createElementNS('http://www.w3.org/2000/svg', 'circle');
            element.setAttribute('r', dotRadius(messagesPerSecond, bytesPerSecond).toFixed(1));
            home.append(element);
            dots.push({ element, lane: laneOf(start, end), startedAt: now });
          }
        }
        due.set(name, share);
      }
      dots = dots.filter((dot) => move(dot, now));
      frame = requestAnimationFrame(step);
    });
    return () => {
      cancelAnimationFrame(frame);
      home.replaceChildren();
    };
  }, []);
  return <g ref={group} className="dots" />;
}

/** False: it has arrived. */
function move({ element, lane: [from, to], startedAt }: Dot, now: number): boolean {
  const way = (now - startedAt) / travelMilliseconds;
  if (way >= 1) {
    element.remove();
    return false;
  }
  element.setAttribute('cx', (from.x + (to.x - from.x) * way).toFixed(1));
  element.setAttribute('cy', (from.y + (to.y - from.y) * way).toFixed(1));
  return true;
}
