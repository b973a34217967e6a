// Feeds other tabs from this tab's copy, over pipes: each message that the copy took in is handed on as it came, and whoever is too far behind for that
// gets the present state in pages. It knows neither locks nor how tabs find each other.
import type { KeyRange, KeyValue } from '@raftkv/kv';
import type { FeedMessage } from '@raftkv/client/parts';
import { encodeFeedEntries, feedBytes } from '@raftkv/wire';
import type { Copy } from './copy.ts';
import { FeedTail } from './feed-tail.ts';
import { isTabReport } from './tab-pipe.ts';
import type { TabNews, TabPort } from './tab-pipe.ts';

/** What the tabs are fed from, as a `ReplicaAssembly` is; asked whenever there is something to say. */
export interface FedCopy {
  readonly observer: { readonly copy: Copy | undefined };
  readonly clusterId: string | undefined;
  readonly leader: string | undefined;
}

/** What a tab asks for when it comes. */
export interface TabWish {
  /** It has everything up to here; 0 = it has nothing. */
  readonly from: number;
  /** Which keys, as `scopeOf` has it. */
  readonly scope: string;
}

/** What a tab may have unconsumed. At the limit it is sent nothing more until it says that it consumed. */
const tabWindowBytes = 1024 * 1024;
/** A message of a snapshot is a so-manieth part of that. */
const pagesInWindow = 8;
/** A tab says something every second, or once a minute when it is hidden for long: one that does not is gone. */
const silenceMilliseconds = 150_000;

export function scopeOf(ranges: readonly KeyRange[]): string {
  return JSON.stringify(ranges);
}

export class TabFeeder {
  readonly #source: FedCopy;
  readonly #scope: string;
  readonly #now: () => number;
  readonly #windowBytes: number;
  /** Kept up by tabs that feed nobody as well, so that one that takes over can go on where the last one stopped. */
  readonly #tail = new FeedTail();
  readonly #sessions = new Set<TabSession>();

  /** `ranges`: those of the copy; a tab that wants others is refused. */
  constructor(source: FedCopy, ranges: readonly KeyRange[], now: () => number, windowBytes = tabWindowBytes) {
    this.#source = source;
    this.#windowBytes = windowBytes;
    this.#scope = scopeOf(ranges);
    this.#now = now;
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** Another tab is at the end of this pipe. */
  accept(port: TabPort, { from, scope }: TabWish): void {
    const session = new TabSession(port, {
      source: this.#source,
      tail: this.#tail,
      from,
      isRefused: scope !== this.#scope,
      now: this.#now,
      windowBytes: this.#windowBytes,
      onEnd: () => this.#sessions.delete(session),
    });
    this.#sessions.add(session);
    session.begin();
  }

  /** The copy took this in, and stands where it leads to. */
  taken(message: FeedMessage): void {
    this.#tail.push(message);
    for (const session of this.#sessions) session.pump();
  }

  /** The copy is another one. */
  replaced(): void {
    this.#tail.clear(this.#source.observer.copy?.revision ?? 0);
    for (const session of this.#sessions) session.beginAnew();
  }

  /** The source may say something else. Also looks for tabs that are gone. */
  changed(): void {
    for (const session of this.#sessions) {
      if (this.#now() - session.heardAt > silenceMilliseconds) session.close();
      else session.tellChange();
    }
  }

  /** Lets all tabs go: another one feeds them now, or soon. */
  dismiss(): void {
    for (const session of this.#sessions) session.close();
  }
}

interface TabSessionOptions {
  readonly source: FedCopy;
  readonly tail: FeedTail;
  readonly from: number;
  readonly isRefused: boolean;
  readonly now: () => number;
  readonly windowBytes: number;
  readonly onEnd: () => void;
}

class TabSession {
  heardAt: number;
  readonly #port: TabPort;
  readonly #options: TabSessionOptions;
  #isOpen = true;
  #count = 0;
  #told: Pick<TabNews, 'clusterId' | 'leader'> | undefined;
  /** Everything up to here was sent; in the middle of a snapshot, of the keys below `#next`. */
  #position: number;
  #next: string | undefined;
  #isFirst = false;
  /** It has been told something: one that has missed nothing learns at once that it has not. */
  #isGreeted = false;
  #sentBytes = 0;
  #consumedBytes = 0;

  constructor(port: TabPort, options: TabSessionOptions) {
    this.#port = port;
    this.#options = options;
    this.#position = options.from;
    this.heardAt = options.now();
    if (options.from === 0) this.#beginSnapshot();
    port.addEventListener('message', ({ data }) => this.#hear(data));
  }

  close(): void {
    this.#post({ isLast: true });
    this.#end();
  }

  begin(): void {
    if (this.#options.isRefused) this.#post({ isRefused: true });
    else this.tell();
  }

  /** How things stand, and what the copy has. */
  tell(): void {
    this.#post({});
    this.pump();
  }

  tellChange(): void {
    const { clusterId, leader } = this.#options.source;
    if (this.#told?.clusterId !== clusterId || this.#told?.leader !== leader) this.tell();
  }

  /** Sends as much as the window has room for. */
  pump(): void {
    if (this.#options.isRefused) return;
    while (this.#sentBytes - this.#consumedBytes < this.#options.windowBytes) {
      const feed = this.#take();
      if (feed === undefined) return;
      this.#isGreeted = true;
      this.#sentBytes += feedBytes(feed);
      // Of a view, the whole buffer behind it would be copied to the other side.
      this.#post({ feed: { ...feed, payload: feed.payload.slice() } });
    }
  }

  /** What is under way is of a copy that is no more; who has all of the new one needs nothing. */
  beginAnew(): void {
    if (this.#next !== undefined) this.#beginSnapshot();
    this.pump();
  }

  #hear(report: unknown): void {
    if (!this.#isOpen || !isTabReport(report)) return;
    this.heardAt = this.#options.now();
    if (report.isLast) return this.#end();
    this.#consumedBytes = report.consumedBytes;
    this.tell();
  }

  #end(): void {
    this.#isOpen = false;
    this.#port.close();
    this.#options.onEnd();
  }

  #post(news: Partial<TabNews>): void {
    const { clusterId, leader } = this.#options.source;
    this.#told = { clusterId, leader };
    const whole: TabNews = { number: this.#count++, ...this.#told, isLast: false, ...news };
    this.#port.postMessage(whole);
  }

  #beginSnapshot(): void {
    this.#next = '';
    this.#isFirst = true;
  }

  /** What to send next. The copy may be behind what the tab has (it took over a moment ago): then nothing, until it has caught up. */
  #take(): FeedMessage | undefined {
    const { tail, source } = this.#options;
    const { copy } = source.observer;
    // What the copy shows already and the tail does not is being told at this very moment.
    if (copy === undefined || copy.revision !== tail.end) return undefined;
    const isInSnapshot = this.#next !== undefined;
    // A page shows the present, so what was sent before must be brought up to the present first.
    if (this.#position < copy.revision && !this.#isFirst) {
      const message = tail.after(this.#position);
      if (message !== undefined) {
        this.#position = message.revision;
        return isInSnapshot ? { ...message, hash: undefined } : message;
      }
      this.#beginSnapshot();
    }
    if (this.#next !== undefined) return this.#page(copy, this.#next);
    const { revision, index, hash } = copy;
    if (this.#isGreeted || this.#position !== revision) return undefined;
    return { type: 'feedChanges', id: 0, isDeflated: false, revision, index, hash, payload: new Uint8Array(0) };
  }

  #page(copy: Copy, from: string): FeedMessage {
    const entries: KeyValue[] = [];
    let bytes = 0;
    this.#next = undefined;
    copy.walk({ from, to: undefined }, (entry) => {
      if (bytes >= this.#options.windowBytes / pagesInWindow) {
        this.#next = entry.key;
        return false;
      }
      entries.push(entry);
      bytes += 32 + entry.key.length + entry.value.length;
      return true;
    });
    const isFirst = this.#isFirst;
    const isDone = this.#next === undefined;
    const { revision, index } = copy;
    this.#isFirst = false;
    this.#position = revision;
    const payload = encodeFeedEntries(entries);
    const hash = isDone ? copy.hash : undefined;
    return { type: 'feedSnapshot', id: 0, isFirst, isDone, isDeflated: false, revision, index, hash, payload };
  }
}
