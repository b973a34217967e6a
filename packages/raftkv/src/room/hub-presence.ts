// Who is there, where no server knows: each says so itself over the hub, every now and then and when it goes, with the browser that it is in. The tabs of a room do by
// their words, and what leads bridges by names of its own. Nothing but whom to dial, and how, depends on it.
import type { HubBridge } from './hub-bridge.ts';
import type { HubWord, WordHub } from './word-hub.ts';

interface Heard {
  readonly browser: string;
  readonly at: number;
  /** The bridge at whose other end it is. */
  readonly by: HubBridge | undefined;
}

export interface HubPresenceOptions {
  readonly hub: WordHub;
  /** Others are of the same kind. */
  readonly kind: 'tab' | 'hub';
  /** What this one is called. */
  readonly name: string;
  /** Of this profile. */
  readonly browser: string;
  readonly now: () => number;
  /** Others came or went. */
  readonly onChange: () => void;
}

/** Hidden tabs are woken once a minute, at worst; whoever dials one that is gone is told so. */
const patienceMilliseconds = 70_000;
/** More are not kept in mind: each tab has a channel to each, so a dozen is what a room is made for. */
const maxNames = 256;
const maxNameCharacters = 64;

export class HubPresence {
  readonly #options: HubPresenceOptions;
  readonly #heard = new Map<string, Heard>();
  readonly #stopListening: () => void;

  constructor(options: HubPresenceOptions) {
    this.#options = options;
    this.#stopListening = options.hub.listen((word, by) => this.#hear(word, by));
    this.say('here');
  }

  get names(): readonly string[] {
    const oldest = this.#options.now() - patienceMilliseconds;
    for (const [name, { at }] of this.#heard) if (at < oldest) this.#heard.delete(name);
    return [...this.#heard.keys()];
  }

  /** Undefined: nothing was heard of it. */
  browserOf(name: string): string | undefined {
    return this.#heard.get(name)?.browser;
  }

  /** A bridge leads straight to it. */
  isBridged(name: string): boolean {
    return this.#heard.get(name)?.by?.isOpen === true;
  }

  say(type: 'here' | 'gone'): void {
    const { hub, kind, name, browser } = this.#options;
    hub.say({ type: `${kind} ${type}`, from: name, browser } as HubWord);
  }

  close(): void {
    this.#stopListening();
  }

  #hear(word: HubWord, by: HubBridge | undefined): void {
    const { type, from, browser } = word as HubWord & { readonly browser?: unknown };
    const { kind, name: own, onChange, now } = this.#options;
    if (from === own || from.length > maxNameCharacters) return;
    if (type === `${kind} gone`) return void (this.#heard.delete(from) && onChange());
    if (type !== `${kind} here`) return;
    if (typeof browser !== 'string' || browser.length > maxNameCharacters) return;
    const known = this.#heard.get(from);
    if (known === undefined && this.names.length >= maxNames) return;
    this.#heard.set(from, { browser, at: now(), by: by ?? (known?.by?.isOpen === true ? known.by : undefined) });
    if (known !== undefined) return;
    // It has not heard of this one.
    this.say('here');
    onChange();
  }
}
