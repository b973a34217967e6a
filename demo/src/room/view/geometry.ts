// Where the members of a room stand in its picture, where the labels of links go, and how a message travels. Pure geometry.

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Frame {
  readonly width: number;
  readonly height: number;
  readonly radius: number;
}

export const wideFrame: Frame = { width: 640, height: 360, radius: 36 };
export const narrowFrame: Frame = { width: 340, height: 350, radius: 30 };

/** Room beside a member for its timer, and under it for its words. */
const margin = 30;

/** Evenly on an ellipse, the first on top; two stand side by side. */
export function placeOf(position: number, count: number, { width, height, radius }: Frame): Point {
  const centre = { x: width / 2, y: height / 2 };
  if (count <= 1) return centre;
  const start = count === 2 ? Math.PI : -Math.PI / 2;
  const angle = (position / count) * 2 * Math.PI + start;
  const [a, b] = [Math.min(width / 2 - radius - margin, 235), height / 2 - radius - margin];
  // Three stand on a triangle whose middle is the picture's.
  const lift = count === 3 ? b / 4 : 0;
  return { x: centre.x + a * Math.cos(angle), y: centre.y + b * Math.sin(angle) + lift };
}

/** In pixels: how large a name may be written into the circle of its seat, a little above its middle. */
export function nameSizeOf(name: string, radius: number): number {
  const chord = 2 * Math.sqrt(radius ** 2 - (radius / 3) ** 2) - 4;
  return Math.min(largestName, chord / (name.length * widthOfLetter));
}

const largestName = 13;
/** Of its height, on average, in the bold of names. */
const widthOfLetter = 0.6;

/** The lane from one member to another, from rim to rim: beside the straight line, so that the two ways do not cover each other. */
export function laneOf(from: Point, to: Point, radius: number, beside = 6): readonly [Point, Point] {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const length = Math.hypot(dx, dy) || 1;
  const [ux, uy] = [dx / length, dy / length];
  const rim = radius + 6;
  const at = (point: Point, along: number): Point => ({
    x: point.x + ux * along - uy * beside,
    y: point.y + uy * along + ux * beside,
  });
  return [at(from, rim), at(to, -rim)];
}

/** On the line, nearer to one end in a picture of many, so that labels of lines that cross do not meet. */
export function labelPlace(a: Point, b: Point, count: number): Point {
  const share = count > 3 ? 0.36 : 0.5;
  return { x: a.x + (b.x - a.x) * share, y: a.y + (b.y - a.y) * share };
}

/** An arc of a circle about the origin, clockwise from the top; `share` of it, 0 to 1. */
export function arcPath(radius: number, share: number): string {
  const clamped = Math.min(0.9999, Math.max(0, share));
  const angle = clamped * 2 * Math.PI - Math.PI / 2;
  const isLarge = clamped > 0.5 ? 1 : 0;
  return `M 0 ${-radius} A ${radius} ${radius} 0 ${isLarge} 1 ${(radius * Math.cos(angle)).toFixed(2)} ${(radius * Math.sin(angle)).toFixed(2)}`;
}
