// Where the members stand in the picture of the cluster, and how the dots run between them. Pure geometry.

export interface Point {
  readonly x: number;
  readonly y: number;
}

export const frame = { width: 360, height: 250 } as const;
export const memberRadius = 29;

/** Evenly on an ellipse, the first on top. */
export function placeOf(position: number, count: number): Point {
  const centre = { x: frame.width / 2, y: frame.height / 2 };
  if (count === 1) return centre;
  const angle = (position / count) * 2 * Math.PI - Math.PI / 2;
  const [a, b] = [frame.width / 2 - memberRadius - 26, frame.height / 2 - memberRadius - 16];
  // Three stand on a triangle whose middle is the picture's.
  const lift = count === 3 ? b / 4 : 0;
  return { x: centre.x + a * Math.cos(angle), y: centre.y + b * Math.sin(angle) + lift };
}

/** The lane from one member to another: beside the straight line, so that the two ways do not cover each other; from rim to rim. */
export function laneOf(from: Point, to: Point, beside = 5): readonly [Point, Point] {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const length = Math.hypot(dx, dy) || 1;
  const [ux, uy] = [dx / length, dy / length];
  const at = (point: Point, along: number): Point => ({
    x: point.x + ux * along - uy * beside,
    y: point.y + uy * along + ux * beside,
  });
  return [at(from, memberRadius), at(to, -memberRadius)];
}

const mostDotsPerSecond = 16;

/** A dot is a message while there are few; of many, a dot stands for several. */
export function dotsPerSecond(messagesPerSecond: number): number {
  return Math.min(mostDotsPerSecond, messagesPerSecond);
}

/** Messages with more in them are larger. */
export function dotRadius(messagesPerSecond: number, bytesPerSecond: number): number {
  const bytes = messagesPerSecond <= 0 ? 0 : bytesPerSecond / messagesPerSecond;
  return 1.6 + Math.min(3.2, Math.log10(1 + bytes / 60));
}

/** By what goes both ways: thin when only heartbeats do. */
export function lineWidth(bytesPerSecond: number): number {
  return 1 + Math.min(6, Math.log10(1 + bytesPerSecond / 500) * 2);
}
