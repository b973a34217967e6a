// The proxies between members, one for each that dials and each that is dialled, and what is asked of their directions at the moment. Several
// faults may ask at once: the slowest wish counts, and each is taken back by itself. Both kinds of network stand on it.
import { LinkProxy } from './link-proxy.ts';
import type { Conduct, LinkAddress } from './link-proxy.ts';
import type { Way } from './network.ts';

export interface LinksOptions {
  readonly members: number;
  readonly random: () => number;
  readonly listen: (dialler: number, target: number) => LinkAddress;
  readonly target: (target: number) => LinkAddress;
  readonly localAddress?: (dialler: number, target: number) => string;
}

interface Wish extends Conduct {
  readonly ways: readonly Way[];
}

export class Links {
  private readonly proxies = new Map<string, LinkProxy>();
  private readonly wishes = new Set<Wish>();

  static async open(options: LinksOptions): Promise<Links> {
    const links = new Links();
    const members = Array.from({ length: options.members }, (_, member) => member);
    for (const dialler of members) {
      for (const target of members.filter((member) => member !== dialler)) {
        const local = options.localAddress?.(dialler, target);
        const proxy = await LinkProxy.open({
          listen: options.listen(dialler, target),
          target: options.target(target),
          random: options.random,
          ...(local === undefined ? {} : { localAddress: local }),
        });
        links.proxies.set(`${dialler}-${target}`, proxy);
      }
    }
    return links;
  }

  /** Returns what takes the wish back. */
  wish(ways: readonly Way[], conduct: Conduct): () => void {
    const wish = { ways, ...conduct };
    this.wishes.add(wish);
    for (const way of ways) this.settle(way);
    return () => {
      this.wishes.delete(wish);
      for (const way of ways) this.settle(way);
    };
  }

  cut(first: number, second: number): void {
    this.between(first, second).cut();
    this.between(second, first).cut();
  }

  async close(): Promise<void> {
    await Promise.all([...this.proxies.values()].map((proxy) => proxy.close()));
  }

  /** Bytes go one way over two links: forth on the one that the sender dialled, back on the other. */
  private settle({ from, to }: Way): void {
    const asked = [...this.wishes].filter(({ ways }) => ways.some((way) => way.from === from && way.to === to));
    const conduct = {
      delayMilliseconds: Math.max(0, ...asked.map((wish) => wish.delayMilliseconds)),
      jitterMilliseconds: Math.max(0, ...asked.map((wish) => wish.jitterMilliseconds)),
      isHeld: asked.some((wish) => wish.isHeld),
    };
    this.between(from, to).behave('forth', conduct);
    this.between(to, from).behave('back', conduct);
  }

  private between(dialler: number, target: number): LinkProxy {
    const proxy = this.proxies.get(`${dialler}-${target}`);
    if (proxy === undefined) throw new Error(`no link from member ${dialler} to member ${target}`);
    return proxy;
  }
}
