// What tabs of a room tell each other where no server carries it: within one browser to all at once, and on over bridges to others, each word once however many ways
// it comes by. Nothing here is relied on: a word may be late or lost. Who is heard is settled before: by the name of the port, and by what a bridge asks for.
import type { HubBridge } from './hub-bridge.ts';

export interface HubWord {
  readonly type: string;
  /** The tab that said it. */
  readonly from: string;
}

/** To all tabs of one browser that are in the room: a BroadcastChannel. */
export interface HubPort {
  postMessage(message: unknown): void;
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
  close(): void;
}

/** `hops`: over how many bridges and ports it came. */
interface Envelope {
  readonly version: 1;
  readonly id: string;
  readonly hops: number;
  readonly word: HubWord;
}

type Listener = (word: HubWord) => void;

/** Enough to know again what comes by several ways. */
const rememberedIds = 2_000;
/** What goes in circles all the same ends. */
const maxHops = 8;
/** Of this browser, the last that were heard; each tab has two. */
const maxNamesHere = 512;
const maxNameCharacters = 128;
/** A bridge that holds more is passed over. */
const maxBufferedBytes = 1024 * 1024;

export class WordHub {
  readonly #bridges = new Set<HubBridge>();
  readonly #listeners = new Set<Listener>();
  readonly #seen = new Set<string>();
  /** Those that said something within this browser themselves. */
  readonly #here = new Set<string>();
  #port: HubPort | undefined;
  #isClosed = false;

  /** Other browsers that a bridge leads to, however many do. Profiles that were copied from one another are one. */
  get browsers(): number {
    const others = [...this.#bridges].flatMap(({ other }) =>
      other && !this.isHere(other.name) ? [other.browser] : [],
    );
    return new Set(others).size;
  }

  /** A bridge leads straight to the one of this name. */
  isBridgedTo(name: string): boolean {
    return [...this.#bridges].some(({ isOpen, other }) => isOpen && other?.name === name);
  }

  /** The one of this name is in this browser: what it said came without a bridge. */
  isHere(name: string): boolean {
    return this.#here.has(name);
  }

  /** With the tabs of this browser. Once. */
  join(port: HubPort): void {
    if (this.#isClosed) return port.close();
    this.#port = port;
    port.addEventListener('message', ({ data }) => {
      const envelope = parseEnvelope(data);
      if (envelope === undefined) return;
      // Also if it was faster over bridges, there and back.
      if (envelope.hops === 0) this.#noteHere(envelope.word.from);
      if (this.#isNew(envelope)) this.#pass({ ...envelope, hops: envelope.hops + 1 }, undefined);
    });
  }

  /** After the end nothing is. */
  say(word: HubWord): void {
    if (this.#isClosed) return;
    const envelope: Envelope = { version: 1, id: crypto.randomUUID(), hops: 0, word };
    this.#isNew(envelope);
    this.#port?.postMessage(envelope);
    this.#overBridges(envelope, undefined);
  }

  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Whose other end has shown that it belongs here. */
  add(bridge: HubBridge): void {
    if (this.#isClosed) return bridge.close();
    this.#bridges.add(bridge);
    bridge.onEnd = () => this.#bridges.delete(bridge);
    bridge.onFrame = (frame) => {
      const envelope = parseEnvelope(parseJson(frame));
      if (this.#isClosed || envelope === undefined || !this.#isNew(envelope)) return;
      const further = { ...envelope, hops: envelope.hops + 1 };
      this.#port?.postMessage(further);
      this.#pass(further, bridge);
    };
  }

  /** And those that are added later. */
  close(): void {
    this.#isClosed = true;
    this.#port?.close();
    for (const bridge of this.#bridges) bridge.close();
  }

  #pass(envelope: Envelope, except: HubBridge | undefined): void {
    if (envelope.hops < maxHops) this.#overBridges(envelope, except);
    for (const listener of this.#listeners) listener(envelope.word);
  }

  #overBridges(envelope: Envelope, except: HubBridge | undefined): void {
    if (this.#bridges.size === 0) return;
    const frame = new TextEncoder().encode(JSON.stringify(envelope));
    for (const bridge of this.#bridges) {
      if (bridge !== except && bridge.bufferedBytes < maxBufferedBytes) bridge.send(frame);
    }
  }

  #noteHere(name: string): void {
    this.#here.delete(name);
    this.#here.add(name);
    if (this.#here.size > maxNamesHere) this.#here.delete(this.#here.values().next().value!);
  }

  #isNew({ id }: Envelope): boolean {
    if (this.#seen.has(id)) return false;
    this.#seen.add(id);
    if (this.#seen.size > rememberedIds) this.#seen.delete(this.#seen.values().next().value!);
    return true;
  }
}

/** Undefined: whoever said it is of another version, or worse. */
function parseEnvelope(value: unknown): Envelope | undefined {
  const { version, id, hops, word } = fieldsOf(value);
  const { type, from } = fieldsOf(word);
  const isCount = Number.isInteger(hops) && (hops as number) >= 0 && (hops as number) <= maxHops;
  if (version !== 1 || !isName(id) || !isCount || !isName(type) || !isName(from)) return undefined;
  return { version, id, hops: hops as number, word: word as HubWord };
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= maxNameCharacters;
}

function parseJson(frame: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(frame));
  } catch {
    return undefined;
  }
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
