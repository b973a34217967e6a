// A small TCP proxy on the way from one member to another: it delays bytes by a moving amount, holds them, and cuts connections, for each
// direction by itself. The end of a connection waits its turn behind the bytes, so what a member sent before it gave a connection up
// still arrives, after what it sent over the next one: the only reordering that a TCP peer can see. Networks switch it; it knows no members.
import net from 'node:net';

export interface LinkAddress {
  readonly host: string;
  readonly port: number;
}

export interface LinkProxyOptions {
  readonly listen: LinkAddress;
  readonly target: LinkAddress;
  /** The source address towards the target, so that its packets can be told apart. Default: the system's choice. */
  readonly localAddress?: string;
  readonly random: () => number;
}

/** How one direction of a link behaves. */
export interface Conduct {
  readonly delayMilliseconds: number;
  /** Added to the delay of each piece: from 0 to this. Pieces of one connection stay in order, those of two do not. */
  readonly jitterMilliseconds: number;
  /** Nothing arrives until this is over; nothing is lost. */
  readonly isHeld: boolean;
}

export type Direction = 'forth' | 'back';

export const prompt: Conduct = { delayMilliseconds: 0, jitterMilliseconds: 0, isHeld: false };

/** Bytes under way in one direction of one connection; above it the sender is not read from, as with a full socket. */
const mostBytesUnderWay = 4 * 1024 * 1024;

export class LinkProxy {
  private readonly options: LinkProxyOptions;
  private readonly server: net.Server;
  private readonly pipes = new Set<Pipe>();
  private readonly conduct: Record<Direction, Conduct> = { forth: prompt, back: prompt };
  /** Connections that came through, ever. */
  connections = 0;

  private constructor(options: LinkProxyOptions) {
    this.options = options;
    this.server = net.createServer({ allowHalfOpen: true }, (dialler) => this.connect(dialler));
  }

  static async open(options: LinkProxyOptions): Promise<LinkProxy> {
    const proxy = new LinkProxy(options);
    await new Promise<void>((resolve, reject) => {
      proxy.server.once('error', reject);
      proxy.server.listen(options.listen, resolve);
    });
    return proxy;
  }

  /** Changes a direction, also for bytes that are under way. */
  behave(direction: Direction, conduct: Conduct): void {
    this.conduct[direction] = conduct;
    for (const pipe of this.pipes) if (pipe.direction === direction) pipe.reconsider();
  }

  /** Resets every connection; bytes under way are lost. */
  cut(): void {
    for (const pipe of this.pipes) pipe.reset();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private connect(dialler: net.Socket): void {
    this.connections++;
    const { target, localAddress } = this.options;
    const to = net.connect({ ...target, allowHalfOpen: true, ...(localAddress === undefined ? {} : { localAddress }) });
    for (const socket of [dialler, to]) socket.setNoDelay(true);
    this.pipe('forth', dialler, to);
    this.pipe('back', to, dialler);
  }

  private pipe(direction: Direction, from: net.Socket, to: net.Socket): void {
    const pipe = new Pipe(direction, from, to, {
      conduct: () => this.conduct[direction],
      random: this.options.random,
    });
    this.pipes.add(pipe);
    from.once('close', () => this.pipes.delete(pipe));
  }
}

interface Piece {
  /** Empty = the end. */
  readonly bytes: Buffer;
  readonly arrivedAt: number;
  /** Its share of the jitter, from 0 to 1. */
  readonly luck: number;
}

/** One direction of one connection. */
class Pipe {
  readonly direction: Direction;
  private readonly from: net.Socket;
  private readonly to: net.Socket;
  private readonly rules: { readonly conduct: () => Conduct; readonly random: () => number };
  private readonly underWay: Piece[] = [];
  private bytesUnderWay = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    direction: Direction,
    from: net.Socket,
    to: net.Socket,
    rules: { readonly conduct: () => Conduct; readonly random: () => number },
  ) {
    this.direction = direction;
    this.from = from;
    this.to = to;
    this.rules = rules;
    from.on('data', (bytes) => this.take(bytes));
    from.on('end', () => this.take(Buffer.alloc(0)));
    from.on('error', () => this.reset());
    from.on('close', (hadError) => hadError && to.destroy());
    to.on('drain', () => this.reconsider());
  }

  reset(): void {
    clearTimeout(this.timer);
    this.underWay.length = 0;
    this.from.resetAndDestroy();
    this.to.resetAndDestroy();
  }

  /** Delivers what is due and sets the alarm for the next piece. */
  reconsider(): void {
    clearTimeout(this.timer);
    const { delayMilliseconds, jitterMilliseconds, isHeld } = this.rules.conduct();
    if (isHeld) return;
    for (let piece = this.underWay[0]; piece !== undefined; piece = this.underWay[0]) {
      const due = piece.arrivedAt + delayMilliseconds + piece.luck * jitterMilliseconds;
      const wait = due - performance.now();
      if (wait > 0) {
        this.timer = setTimeout(() => this.reconsider(), wait);
        return;
      }
      this.underWay.shift();
      this.bytesUnderWay -= piece.bytes.length;
      if (piece.bytes.length === 0) this.to.end();
      else if (!this.to.write(piece.bytes)) break;
    }
    if (this.bytesUnderWay < mostBytesUnderWay) this.from.resume();
  }

  private take(bytes: Buffer): void {
    this.underWay.push({ bytes, arrivedAt: performance.now(), luck: this.rules.random() });
    this.bytesUnderWay += bytes.length;
    if (this.bytesUnderWay >= mostBytesUnderWay) this.from.pause();
    this.reconsider();
  }
}
