// The cities as the store has them, and how what somebody types becomes a range of keys. Pure.

export interface City {
  readonly name: string;
  /** ISO 3166, two letters. */
  readonly country: string;
  readonly region: string;
  readonly population: number;
  /** Longitude and latitude in degrees. */
  readonly at: readonly [number, number];
}

export const citiesRange = { prefix: 'city/' } as const;

/** As the keys are written: lower case, without accents, so that "São" and "sao" find the same. */
export function plainName(name: string): string {
  return name.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase().replaceAll('/', ' ').trimStart();
}

export function rangeOf(typed: string): { readonly prefix: string } {
  return { prefix: `${citiesRange.prefix}${plainName(typed)}` };
}

export function isCity(value: unknown): value is City {
  if (typeof value !== 'object' || value === null) return false;
  const { name, country, population, at } = value as Partial<Record<keyof City, unknown>>;
  return (
    typeof name === 'string' &&
    typeof country === 'string' &&
    typeof population === 'number' &&
    Array.isArray(at) &&
    at.length === 2 &&
    at.every((degrees) => typeof degrees === 'number')
  );
}

/** "48.8534° N, 2.3488° E" */
export function formatPlace([longitude, latitude]: City['at']): string {
  const part = (degrees: number, positive: string, negative: string): string =>
    `${Math.abs(degrees).toFixed(4)}° ${degrees < 0 ? negative : positive}`;
  return `${part(latitude, 'N', 'S')}, ${part(longitude, 'E', 'W')}`;
}

/** Positions in the order of their keys, so that what a prefix finds is one stretch of them. */
export interface Places {
  readonly keys: readonly string[];
  /** Longitude and latitude by turns. */
  readonly degrees: Float32Array;
}
export const noPlaces: Places = { keys: [], degrees: new Float32Array(0) };

/** From and up to where the keys begin with `prefix`. Keys are compared by their UTF-16 units, as they were sorted. */
export function stretchOf({ keys }: Places, prefix: string): readonly [number, number] {
  const from = lowerBound(keys, (key) => key < prefix);
  const to = lowerBound(keys, (key) => key < prefix || key.startsWith(prefix));
  return [from, to];
}

function lowerBound(keys: readonly string[], isBefore: (key: string) => boolean): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isBefore(keys[middle]!)) low = middle + 1;
    else high = middle;
  }
  return low;
}
