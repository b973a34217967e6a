// One life of a member in a tab: from opening its storage until it is closed, fails, or the tab did not run for a while. Whatever is volatile belongs to one life
// and dies with it, the channels of clients too; the next life begins with what is durable. Lives follow each other in `tab-member.ts`.
import { openHome, openMember, serveClient } from '@raftkv/server';
import type { ClientSession, HomeOptions, Member, MemberEvent, MemberOptions } from '@raftkv/server';
import { memoryChannelPair } from '@raftkv/transport';
import type { Channel } from '@raftkv/transport';
import type { ChannelPurpose } from '@raftkv/transport/web';
import { RaftkvError } from '@raftkv/wire';
import { Vigil } from './vigil.ts';
import type { VigilOptions } from './vigil.ts';

export interface TabLifeOptions {
  readonly home: HomeOptions;
  readonly vigil: Omit<VigilOptions, 'onGap'>;
  readonly priority: number;
  readonly member: Pick<MemberOptions, 'version' | 'raft' | 'tickMilliseconds' | 'mesh' | 'dials' | 'replica'>;
  readonly onEvent: (event: MemberEvent) => void;
}

/** Why a life ended: the tab did not run for so long; or it cannot go on. */
export type EndOfLife =
  | { readonly type: 'gap'; readonly milliseconds: number }
  | { readonly type: 'halted'; readonly error: RaftkvError }
  | { readonly type: 'closed' };

export class TabLife {
  readonly member: Member;
  readonly vigil: Vigil;
  readonly over: Promise<EndOfLife>;
  readonly #sessions = new Set<ClientSession>();
  #tellOver!: (end: EndOfLife) => void;
  #closing: Promise<void> | undefined;

  private constructor(member: Member, vigil: Vigil) {
    this.member = member;
    this.vigil = vigil;
    this.over = new Promise((resolve) => (this.#tellOver = resolve));
  }

  /** Rejects with what `openHome` says of the storage or the cluster; nothing stays open then. */
  static async begin(options: TabLifeOptions): Promise<TabLife> {
    const { priority, onEvent } = options;
    const home = await openHome(options.home);
    const early: EndOfLife[] = [];
    let end = (reason: EndOfLife): unknown => early.push(reason);
    const vigil = new Vigil({ ...options.vigil, onGap: (milliseconds) => end({ type: 'gap', milliseconds }) });
    const member = await openMember({
      ...options.member,
      home,
      clock: vigil.clock,
      raft: { ...options.member.raft, priority, seed: crypto.getRandomValues(new Uint32Array(1))[0]! },
      onHalt: (error) => end({ type: 'halted', error }),
      onEvent,
    });
    const life = new TabLife(member, vigil);
    end = (reason) => life.end(reason);
    for (const reason of early) end(reason);
    // What goes wrong is told as the reason of its end.
    member.start().catch(() => undefined);
    return life;
  }

  get isOver(): boolean {
    return this.#closing !== undefined;
  }

  /** At once: clients are let go, and nothing that was under way is answered any more. */
  end(reason: EndOfLife, { handOver = false }: { readonly handOver?: boolean } = {}): void {
    if (this.#closing !== undefined) {
      // A turn in which the hand-over would have come to its end may have gone with the gap: it is waited for no longer.
      if (reason.type === 'gap') this.member.close().catch(() => undefined);
      return;
    }
    if (!handOver) this.#dismissClients(reason);
    this.#closing = this.member.close({ handOver }).finally(() => this.#dismissClients(reason));
    this.#tellOver(reason);
  }

  /** Resolves when the storage is closed. Rejects if that went wrong. */
  async ended(): Promise<void> {
    await this.#closing;
  }

  accept(channel: Channel, purpose: ChannelPurpose): void {
    if (purpose === 'peer') this.member.mesh.accept(channel);
    else this.#serve(channel);
  }

  /** A client of this page. */
  connect(): Channel {
    const { left, right } = memoryChannelPair();
    this.#serve(right);
    return left;
  }

  #serve(channel: Channel): void {
    const session: ClientSession = serveClient(channel, this.member.node, {
      clock: this.vigil.clock,
      onEnd: () => this.#sessions.delete(session),
    });
    this.#sessions.add(session);
  }

  #dismissClients(reason: EndOfLife): void {
    const error =
      reason.type === 'gap'
        ? new RaftkvError('connection_lost', 'the tab of this member did not run for a while')
        : new RaftkvError('closed', 'this member is stopping');
    for (const session of this.#sessions) session.close(error);
  }
}
