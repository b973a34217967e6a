// Who is there, where no server knows: each says so itself over the hub, every now and then and when it goes. The tabs of a room do by their words, and what leads
// bridges by names of its own. Nothing but whom to dial depends on it.
import type { HubWord, WordHub } from './word-hub.ts';

export interface HubPresenceOptions {
  readonly hub: WordHub;
  /** Others are of the same kind. */
  readonly kind: 'tab' | 'hub';
  /** What this one is called. */
  readonly name: string;
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
  /** When, by name. */
  readonly #heard = new Map<string, number>();
  readonly #stopListening: () => void;

  constructor(options: HubPresenceOptions) {
    this.#options = options;
    this.#stopListening = options.hub.listen((word) => this.#hear(word));
    this.say('here');
  }

  get names(): readonly string[] {
    const oldest = this.#options.now() - patienceMilliseconds;
    for (const [name, at] of this.#heard) if (at < oldest) this.#heard.delete(name);
    return [...this.#heard.keys()];
  }

  say(type: 'here' | 'gone'): void {
    const { hub, kind, name } = this.#options;
    hub.say({ type: `${kind} ${type}`, from: name });
  }

  close(): void {
    this.#stopListening();
  }

  #hear({ type, from }: HubWord): void {
    const { kind, name: own, onChange, now } = this.#options;
    if (from === own || from.length > maxNameCharacters) return;
    if (type === `${kind} gone`) return void (this.#heard.delete(from) && onChange());
    if (type !== `${kind} here`) return;
    const isKnown = this.#heard.has(from);
    if (!isKnown && this.names.length >= maxNames) return;
    this.#heard.set(from, now());
    if (isKnown) return;
    // It has not heard of this one.
    this.say('here');
    onChange();
  }
}
