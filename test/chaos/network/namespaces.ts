// Members in network namespaces of their own, joined by a bridge, each with an address of its own. Packets are dropped by nftables where they come
// in. Members reach each other directly; a way that is to be slow is led through a proxy at the bridge by nftables too, and back again.
// Needs root, iproute2 and nftables; loopback.ts is what there is without.
import { execFile, execFileSync } from 'node:child_process';
import { promisify } from 'node:util';
import { Links } from './links.ts';
import { prompt } from './link-proxy.ts';
import type { Heal, Network, Way } from './network.ts';

const port = 7000;
const run = promisify(execFile);

interface Drop {
  /** Where the packets come in. */
  readonly at: number;
  /** Senders; undefined = all. */
  readonly from: readonly string[] | undefined;
  readonly percent: number;
}

export class NamespaceNetwork implements Network {
  readonly description = 'network namespaces on a bridge, nftables, and a proxy on slow ways';
  readonly hasPackets = true;
  readonly hasOneAddressEach = true;
  private readonly prefix: string;
  private readonly subnet: string;
  private readonly members: number;
  private readonly drops = new Set<Drop>();
  /** How many faults want a pair of members led through its proxies. */
  private readonly detours = new Map<string, number>();
  private links!: Links;

  private constructor(prefix: string, subnet: string, members: number) {
    this.prefix = prefix;
    this.subnet = subnet;
    this.members = members;
  }

  /** Why there can be no such network here; undefined if there can. */
  static obstacle(): string | undefined {
    if (process.platform !== 'linux') return 'namespaces are Linux’s';
    if (process.getuid?.() !== 0) return 'namespaces need root';
    const missing = ['ip', 'nft', 'ss'].filter((tool) => !isInstalled(tool));
    if (missing.length > 0) return `no ${missing.join(', ')}: apt-get install iproute2 nftables`;
    try {
      const name = `rkv${process.pid}t`;
      execFileSync('ip', ['netns', 'add', name], { stdio: 'pipe' });
      execFileSync('ip', ['netns', 'del', name], { stdio: 'pipe' });
      return undefined;
    } catch (error) {
      return `a namespace cannot be made: ${(error as Error).message.trim()}`;
    }
  }

  static async open(members: number, random: () => number): Promise<NamespaceNetwork> {
    const network = new NamespaceNetwork(`rkv${process.pid.toString(36)}`, freeSubnet(), members);
    process.once('exit', network.demolish);
    const { prefix, subnet } = network;
    await run('ip', ['link', 'add', prefix, 'type', 'bridge']);
    await run('ip', ['addr', 'add', `${subnet}.254/24`, 'dev', prefix]);
    await run('ip', ['link', 'set', prefix, 'up']);
    for (let member = 0; member < members; member++) await network.build(member);
    network.links = await Links.open({
      members,
      random,
      listen: (dialler, target) => ({ host: network.linkAddress(dialler, target), port }),
      target: (target) => ({ host: network.address(target), port }),
      localAddress: (dialler, target) => network.linkAddress(dialler, target),
    });
    return network;
  }

  endpoint(member: number): { host: string; port: number } {
    return { host: this.address(member), port };
  }

  endpointAsSeenBy(_viewer: number, member: number): { host: string; port: number } {
    return this.endpoint(member);
  }

  wrapper(member: number): readonly string[] {
    // Not `ip netns exec`: it gives the process a mount namespace too, whose copies of mounts keep a disk from being unmounted.
    return ['nsenter', `--net=/run/netns/${this.space(member)}`];
  }

  block(ways: readonly Way[]): Promise<Heal> {
    return this.drop(ways.map(({ from, to }) => ({ at: to, from: this.addressesOf(from, to), percent: 100 })));
  }

  lose(members: readonly number[], percent: number): Promise<Heal> {
    return this.drop(members.map((at) => ({ at, from: undefined, percent })));
  }

  isolate(members: readonly number[]): Promise<Heal> {
    const others = this.all().filter((member) => !members.includes(member));
    const outgoing = others.flatMap((at) =>
      members.map((member) => ({ at, from: this.addressesOf(member, at), percent: 100 })),
    );
    return this.drop([...members.map((at) => ({ at, from: undefined, percent: 100 })), ...outgoing]);
  }

  async slow(ways: readonly Way[], delayMilliseconds: number, jitterMilliseconds: number): Promise<Heal> {
    const takeBack = this.links.wish(ways, { delayMilliseconds, jitterMilliseconds, isHeld: false });
    await this.detour(ways, 1);
    return async () => {
      takeBack();
      await this.detour(ways, -1);
    };
  }

  async hold(ways: readonly Way[], end: 'deliver' | 'lose'): Promise<Heal> {
    await this.detour(ways, 1);
    // The members need a moment to connect over the proxy, or there would be nothing to hold.
    const settled = new Promise((resolve) => {
      setTimeout(resolve, 300);
    });
    await settled;
    const takeBack = this.links.wish(ways, { ...prompt, isHeld: true });
    return async () => {
      if (end === 'lose') for (const { from, to } of ways) this.links.cut(from, to);
      takeBack();
      await this.detour(ways, -1);
    };
  }

  async cut(first: number, second: number): Promise<void> {
    this.links.cut(first, second);
    await Promise.all([this.kill(first, second), this.kill(second, first)]);
  }

  async close(): Promise<void> {
    await this.links.close();
    process.off('exit', this.demolish);
    this.demolish();
  }

  private async drop(drops: readonly Drop[]): Promise<Heal> {
    for (const drop of drops) this.drops.add(drop);
    const touched = [...new Set(drops.map(({ at }) => at))];
    await Promise.all(touched.map((member) => this.rule(member)));
    return async () => {
      for (const drop of drops) this.drops.delete(drop);
      await Promise.all(touched.map((member) => this.rule(member)));
    };
  }

  /** Leads pairs over their proxies, or back. Rules apply to new connections, so old ones are ended where the way changes. */
  private async detour(ways: readonly Way[], step: 1 | -1): Promise<void> {
    const pairs = new Map(ways.map(({ from, to }) => [pairKey(from, to), [from, to] as const]));
    for (const [key, [first, second]] of pairs) {
      const before = this.detours.get(key) ?? 0;
      this.detours.set(key, before + step);
      if (before > 0 && before + step > 0) continue;
      await Promise.all([this.rule(first), this.rule(second)]);
      // On the way back the connection over the proxy stays, prompt again, until something else ends it.
      if (step === 1) await Promise.all([this.kill(first, second), this.kill(second, first)]);
    }
  }

  /** Writes the rules of one namespace anew, in one step. */
  private async rule(member: number): Promise<void> {
    const lines = ['flush chain ip chaos incoming', 'flush chain ip chaos outgoing'];
    for (const { at, from, percent } of this.drops) {
      if (at !== member) continue;
      const who = from === undefined ? '' : `ip saddr { ${from.join(', ')} } `;
      const chance = percent >= 100 ? '' : `numgen random mod 100 < ${percent} `;
      lines.push(`add rule ip chaos incoming iifname eth0 ${who}${chance}drop`);
    }
    for (const other of this.all().filter((one) => (this.detours.get(pairKey(member, one)) ?? 0) > 0)) {
      const detour = `ip daddr ${this.address(other)} tcp dport ${port} dnat to ${this.linkAddress(member, other)}`;
      lines.push(`add rule ip chaos outgoing ${detour}`);
    }
    await this.nft(member, lines);
  }

  private async nft(member: number, lines: readonly string[]): Promise<void> {
    const child = this.runIn(member, ['nft', '-f', '-']);
    child.child.stdin!.end(`${lines.join('\n')}\n`);
    await child;
  }

  private runIn(member: number, words: readonly string[]): ReturnType<typeof run> {
    const [command, ...rest] = [...this.wrapper(member), ...words];
    return run(command!, rest);
  }

  /** Ends the sockets that `member` has with the other: the kernel resets them. */
  private async kill(member: number, other: number): Promise<void> {
    const peers = this.addressesOf(other, member).flatMap((address, at) =>
      at === 0 ? ['dst', address] : ['or', 'dst', address],
    );
    await this.runIn(member, ['ss', '-K', '-H', '-t', ...peers]);
  }

  /** The addresses from which packets of one member come to another: its own, and those of the proxies between them. */
  private addressesOf(from: number, to: number): string[] {
    return [this.address(from), this.linkAddress(from, to), this.linkAddress(to, from)];
  }

  private async build(member: number): Promise<void> {
    const [space, outer] = [this.space(member), `${this.prefix}v${member}`];
    await run('ip', ['netns', 'add', space]);
    await run('ip', ['link', 'add', outer, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', space]);
    await run('ip', ['link', 'set', outer, 'master', this.prefix, 'up']);
    await run('ip', ['-n', space, 'addr', 'add', `${this.address(member)}/24`, 'dev', 'eth0']);
    await run('ip', ['-n', space, 'link', 'set', 'eth0', 'up']);
    await run('ip', ['-n', space, 'link', 'set', 'lo', 'up']);
    for (const other of this.all()) {
      if (other === member) continue;
      await run('ip', ['addr', 'add', `${this.linkAddress(member, other)}/32`, 'dev', this.prefix]);
    }
    await this.nft(member, [
      'table ip chaos {',
      '  chain incoming { type filter hook input priority 0; }',
      '  chain outgoing { type nat hook output priority -100; }',
      '}',
    ]);
  }

  private readonly demolish = (): void => {
    for (const member of this.all()) quietly('ip', ['netns', 'del', this.space(member)]);
    quietly('ip', ['link', 'del', this.prefix]);
  };

  private all(): number[] {
    return Array.from({ length: this.members }, (_, member) => member);
  }

  private space(member: number): string {
    return `${this.prefix}m${member + 1}`;
  }

  private address(member: number): string {
    return `${this.subnet}.${member + 1}`;
  }

  private linkAddress(dialler: number, target: number): string {
    return `${this.subnet}.${100 + dialler * 10 + target}`;
  }
}

function pairKey(first: number, second: number): string {
  return `${Math.min(first, second)}-${Math.max(first, second)}`;
}

function isInstalled(tool: string): boolean {
  try {
    execFileSync('which', [tool], { stdio: 'pipe' });
    return true;
  } catch {
    return false;
  }
}

/** A /24 that this machine does not use yet. */
function freeSubnet(): string {
  const used = execFileSync('ip', ['-o', 'addr'], { encoding: 'utf8' });
  for (let attempt = 0; attempt < 200; attempt++) {
    const subnet = `10.213.${(process.pid + attempt) % 250}`;
    if (!used.includes(`${subnet}.`)) return subnet;
  }
  throw new Error('no free subnet below 10.213');
}

function quietly(command: string, args: readonly string[]): void {
  try {
    execFileSync(command, args, { stdio: 'pipe' });
  } catch {
    // It was never made, or is gone.
  }
}
