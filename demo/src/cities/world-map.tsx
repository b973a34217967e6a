// The map: nothing but the cities themselves, a dot for each, those that were searched for in colour. Drawn on a canvas: there are more than
// a hundred thousand.
import { useEffect, useRef, useState } from 'react';
import type { ReactElement } from 'react';
import { useLive } from '@raftkv/react';
import { theme } from '../theme.ts';
import type { City, Places } from './city-model.ts';
import { stretchOf } from './city-model.ts';

/** Where nobody lives is left off. */
const [top, bottom] = [78, -56];

interface MapProps {
  readonly places: Places;
  /** undefined: nothing was searched for. */
  readonly prefix: string | undefined;
  readonly chosen: City | undefined;
}

export function WorldMap({ places, prefix, chosen }: MapProps): ReactElement {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [width, setWidth] = useState(0);
  const colours = useColours();
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => setWidth(Math.round(entry!.contentRect.width)));
    observer.observe(canvas.current!);
    return () => observer.disconnect();
  }, []);
  useEffect(() => {
    const frame = requestAnimationFrame(() => {
      if (canvas.current !== null && width > 0) draw(canvas.current, width, { places, prefix, chosen }, colours());
    });
    return () => cancelAnimationFrame(frame);
  }, [width, places, prefix, chosen, colours]);
  return (
    <canvas
      ref={canvas}
      className="world"
      role="img"
      aria-label={`A map of ${places.keys.length.toLocaleString('en')} cities${chosen === undefined ? '' : `, ${chosen.name} marked`}`}
    />
  );
}

interface Colours {
  readonly land: string;
  readonly found: string;
  readonly chosen: string;
}

/** Answers a new function when the colours may have changed. */
function useColours(): () => Colours {
  const chosenTheme = useLive(theme);
  const [, setScheme] = useState(false);
  const [scheme] = useState(() => matchMedia('(prefers-color-scheme: dark)'));
  useEffect(() => {
    const look = (): void => setScheme(scheme.matches);
    scheme.addEventListener('change', look);
    return () => scheme.removeEventListener('change', look);
  }, [scheme]);
  const key = `${chosenTheme} ${scheme.matches}`;
  const [made, setMade] = useState({ key, read: readColours });
  if (made.key !== key) setMade({ key, read: () => readColours() });
  return made.read;
}

function readColours(): Colours {
  const style = getComputedStyle(document.documentElement);
  const of = (name: string): string => style.getPropertyValue(name).trim();
  return { land: of('--map-land'), found: of('--accent'), chosen: of('--ink') };
}

function draw(canvas: HTMLCanvasElement, width: number, { places, prefix, chosen }: MapProps, colours: Colours): void {
  const scale = Math.min(2, devicePixelRatio);
  const pixels = Math.round(width * scale);
  const size = { pixels, height: Math.round((pixels * (top - bottom)) / 360) };
  if (canvas.width !== pixels || canvas.height !== size.height) {
    canvas.width = pixels;
    canvas.height = size.height;
  }
  const context = canvas.getContext('2d');
  if (context === null) return;
  context.clearRect(0, 0, pixels, size.height);
  context.drawImage(drawLand(places, size, { colour: colours.land, dot: Math.max(0.8, scale * 0.7) }), 0, 0);
  if (prefix !== undefined) {
    const [from, to] = stretchOf(places, prefix);
    const dot = scale * (to - from > 3_000 ? 1.2 : to - from > 200 ? 2 : 3.2);
    drawDots(context, places, size, { colour: colours.found, dot, from, to });
  }
  if (chosen === undefined) return;
  const [longitude, latitude] = chosen.at;
  context.strokeStyle = colours.chosen;
  context.lineWidth = 2 * scale;
  context.beginPath();
  context.arc(x(longitude, size), y(latitude, size), 6 * scale, 0, 2 * Math.PI);
  context.stroke();
}

interface Size {
  readonly pixels: number;
  readonly height: number;
}
const x = (longitude: number, { pixels }: Size): number => ((longitude + 180) / 360) * pixels;
const y = (latitude: number, { height }: Size): number => ((top - latitude) / (top - bottom)) * height;

/** The last one that was drawn: while somebody types only what is found changes. */
let land: { readonly places: Places; readonly look: string; readonly canvas: HTMLCanvasElement } | undefined;

function drawLand(places: Places, size: Size, { colour, dot }: { readonly colour: string; readonly dot: number }) {
  const look = `${size.pixels} ${colour}`;
  if (land?.places === places && land.look === look) return land.canvas;
  const canvas = document.createElement('canvas');
  canvas.width = size.pixels;
  canvas.height = size.height;
  const context = canvas.getContext('2d')!;
  drawDots(context, places, size, { colour, dot, from: 0, to: places.keys.length });
  land = { places, look, canvas };
  return canvas;
}

interface Dots {
  readonly colour: string;
  readonly dot: number;
  readonly from: number;
  readonly to: number;
}

function drawDots(context: CanvasRenderingContext2D, { degrees }: Places, size: Size, { colour, dot, from, to }: Dots) {
  context.fillStyle = colour;
  for (let at = from; at < to; at++) {
    context.fillRect(x(degrees[at * 2]!, size) - dot / 2, y(degrees[at * 2 + 1]!, size) - dot / 2, dot, dot);
  }
}
