// Which tabs of a room are there, as the page's network has it: each says so itself over the hub, every now and then, and when it goes; a relay, where there is one,
// tells of those in other browsers. Nothing but whom to dial depends on it.
import type { Hub, HubMessage } from './hub.ts';

interface HereMessage extends HubMessage {
  readonly type: 'here' | 'gone';
}

const sayMilliseconds = 1_000;
/** Hidden tabs are woken once a minute, at worst; whoever dials one that is gone is told so by the door. */
const patienceMilliseconds = 70_000;

export class Presence {
  /** Those at the relay. */
  relayed: readonly string[] = [];
  readonly #heardAt = new Map<string, number>();
  readonly #hub: Hub;
  readonly #word: string;
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #stopListening: () => void;

  constructor(hub: Hub, word: string, onChange: () => void) {
    this.#hub = hub;
    this.#word = word;
    this.#stopListening = hub.listen(({ type, from }) => {
      if (from === word || (type !== 'here' && type !== 'gone')) return;
      const isNew = !this.#heardAt.has(from);
      if (type === 'gone') this.#heardAt.delete(from);
      else this.#heardAt.set(from, performance.now());
      if (type === 'here' && isNew) this.#say('here');
      if (type === 'gone' || isNew) onChange();
    });
    this.#timer = setInterval(() => this.#say('here'), sayMilliseconds);
    this.#say('here');
  }

  get words(): readonly string[] {
    const oldest = performance.now() - patienceMilliseconds;
    const heard = [...this.#heardAt].filter(([, at]) => at >= oldest).map(([from]) => from);
    return [...new Set([...heard, ...this.relayed])];
  }

  /** `isSaid`: the others hear of it. */
  end({ isSaid }: { readonly isSaid: boolean }): void {
    clearInterval(this.#timer);
    this.#stopListening();
    if (isSaid) this.#say('gone');
  }

  #say(type: HereMessage['type']): void {
    this.#hub.say({ type, from: this.#word });
  }
}
