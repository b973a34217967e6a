// The nodes as the client knows them: a connection to each endpoint, kept up with growing pauses, who leads, and which connection a
// call should take. It sends nothing itself; `dispatcher.ts` asks it.
import { RaftkvError } from '@raftkv/wire';
import type { Call, Carrier } from './call.ts';
import { Connection } from './connection.ts';
import type { ConnectionHandlers } from './connection.ts';
import type { Settings } from './options.ts';

export interface ClusterHandlers extends Pick<ConnectionHandlers, 'onAnswer' | 'onAttemptFailed' | 'onRoom'> {
  /** A connection opened, another node leads, or members changed. */
  readonly onChange: () => void;
  /** No connection is open or being opened. */
  readonly onUnreachable: (error: RaftkvError) => void;
  /** This one endpoint could not be reached, or was lost. */
  readonly onNodeFailed: (endpoint: string, error: RaftkvError) => void;
}

interface Node {
  readonly endpoint: string;
  /** False: learnt from the cluster, and forgotten when it fails while others do not. */
  readonly isGiven: boolean;
  connection: Connection | undefined;
  failures: number;
  /** When the last dial came to nothing. */
  failedAt: number;
  /** A call waits for it: it is dialled after the shortest pause. */
  isHurried: boolean;
  cancelTimer: (() => void) | undefined;
}

const firstPauseMilliseconds = 50;
const longestPauseMilliseconds = 5_000;
/** How long a node that no longer leads may take to answer its writes. */
const handOverMilliseconds = 250;

export class Cluster {
  readonly #settings: Settings;
  readonly #handlers: ClusterHandlers;
  readonly #nodes: Node[];
  #clusterId: string | undefined;
  #open: Connection[] = [];
  /** Those of `#open` that reads and watches go to: of the endpoints given, if any of them is open. */
  #serving: Connection[] = [];
  #leaderConnection: Connection | undefined;
  /** The last one that led, until another does. */
  #deposed: Connection | undefined;
  /** Addresses of the members, as those that were open last said: where to turn when none is. */
  #members: ReadonlySet<string> = new Set();
  #turn = 0;
  #isClosed = false;
  /** Cut off on purpose: nobody is dialled. */
  #isOffline = false;
  /** Somebody has asked for connections. */
  #isDemanded = false;

  constructor(settings: Settings, handlers: ClusterHandlers) {
    this.#settings = settings;
    this.#handlers = handlers;
    this.#clusterId = settings.clusterId;
    this.#turn = Math.floor(settings.random() * settings.endpoints.length);
    this.#nodes = settings.endpoints.map((endpoint) => newNode(endpoint, true));
    if (!settings.isLazy) this.demand();
  }

  get hasLeader(): boolean {
    return this.#leaderConnection !== undefined || this.#open.some((connection) => connection.leader !== undefined);
  }

  /** Where this call should go now: writes to the leader, if it can be reached, reads in turn to all. Undefined: nowhere yet. */
  pick(call: Call): Connection | undefined {
    if (call.endpoint !== undefined) return this.#open.find(({ endpoint }) => endpoint === call.endpoint);
    const leader = this.#leaderConnection;
    if (call.kind !== 'read' && leader !== undefined && leader !== call.avoid) return leader;
    return this.next(call.avoid);
  }

  /** The next open connection in turn, another one than `avoid` if there is any. */
  next(avoid: Carrier | undefined): Connection | undefined {
    const count = this.#serving.length;
    for (let i = 0; i < count; i += 1) {
      this.#turn = (this.#turn + 1) % count;
      const connection = this.#serving[this.#turn]!;
      if (connection !== avoid || count === 1) return connection;
    }
    return undefined;
  }

  /** A call waits: whoever is not connected is dialled soon rather than later, yet not as often as there are calls. */
  demand(): void {
    this.#isDemanded = true;
    if (this.#open.length === 0) for (const address of this.#members) this.#learn(address);
    const now = this.#settings.clock.now();
    for (const node of this.#nodes) {
      if (node.connection !== undefined || node.isHurried) continue;
      const pause = node.failedAt + this.#jittered(firstPauseMilliseconds) - now;
      if (pause <= 0) this.#dial(node);
      else {
        this.#dialAfter(node, pause);
        node.isHurried = true;
      }
    }
  }

  endpoints(): string[] {
    return this.#nodes.filter((node) => node.isGiven).map((node) => node.endpoint);
  }

  /** Gives up every connection and makes none, or makes them again. What was sent and not answered is tried again then. */
  setOnline(isOnline: boolean): void {
    this.#isOffline = !isOnline;
    if (!isOnline) this.#closeAll(new RaftkvError('connection_lost', 'this client was taken offline'));
    else if (this.#isDemanded) this.demand();
  }

  /** This cluster and no other, whichever has answered so far. */
  expect(clusterId: string): void {
    const before = this.#clusterId;
    this.#clusterId = clusterId;
    if (before === undefined || before === clusterId) return;
    this.#closeAll(new RaftkvError('wrong_cluster', `these nodes are of cluster ${before}, not ${clusterId}`));
  }

  #closeAll(error: RaftkvError): void {
    for (const node of [...this.#nodes]) node.connection?.close(error);
  }

  close(error: RaftkvError): void {
    this.#isClosed = true;
    const nodes = [...this.#nodes];
    for (const node of nodes) {
      node.cancelTimer?.();
      node.connection?.close(error);
    }
  }

  #dial(node: Node): void {
    node.cancelTimer?.();
    node.cancelTimer = undefined;
    node.isHurried = false;
    if (this.#isClosed || this.#isOffline || node.connection !== undefined) return;
    node.connection = new Connection(node.endpoint, this.#settings, {
      onOpen: (connection) => this.#opened(node, connection),
      onClose: (connection, error) => this.#closed(node, connection, error),
      onLeader: () => this.#leaderChanged(),
      onAnswer: this.#handlers.onAnswer,
      onAttemptFailed: this.#handlers.onAttemptFailed,
      onRoom: this.#handlers.onRoom,
    });
  }

  #opened(node: Node, connection: Connection): void {
    const { clusterId } = connection.welcome!;
    this.#clusterId ??= clusterId;
    if (clusterId !== this.#clusterId) {
      const message = `${node.endpoint} is of cluster ${clusterId}, the others are of ${this.#clusterId}`;
      return connection.close(new RaftkvError('wrong_cluster', message));
    }
    node.failures = 0;
    this.#setOpen([...this.#open, connection]);
    // Whoever was learnt is needed no more, unless it is connected.
    for (const other of this.#nodes.filter((each) => !each.isGiven && each.connection === undefined))
      this.#forget(other);
    this.#leaderChanged();
  }

  #closed(node: Node, connection: Connection, error: RaftkvError): void {
    node.connection = undefined;
    const wasOpen = this.#open.includes(connection);
    if (wasOpen) {
      this.#setOpen(this.#open.filter((other) => other !== connection));
    }
    if (this.#isClosed) return;
    node.failures += 1;
    node.failedAt = wasOpen ? -Infinity : this.#settings.clock.now();
    if (node.isGiven || (this.#open.length === 0 && this.#members.has(node.endpoint))) this.#dialLater(node);
    else this.#forget(node);
    // A leader that was learnt and cannot be dialled is not dialled again at once.
    if (wasOpen || node.isGiven) this.#findLeader();
    this.#handlers.onNodeFailed(node.endpoint, error);
    // After a connection that was up, the next dial comes at once and tells more.
    if (wasOpen && this.#open.length === 0) this.demand();
    const isUnderWay = (other: Node): boolean => other.isHurried || other.connection?.isDialing === true;
    if (this.#open.length === 0 && !this.#nodes.some(isUnderWay)) this.#handlers.onUnreachable(error);
  }

  #learn(address: string): Node | undefined {
    if (this.#nodes.some(({ endpoint }) => endpoint === address)) return undefined;
    const node = newNode(address, false);
    this.#nodes.push(node);
    return node;
  }

  #forget(node: Node): void {
    node.cancelTimer?.();
    this.#nodes.splice(this.#nodes.indexOf(node), 1);
  }

  #setOpen(open: Connection[]): void {
    this.#open = open;
    const given = open.filter((connection) => this.#settings.endpoints.includes(connection.endpoint));
    this.#serving = given.length > 0 ? given : open;
  }

  #dialLater(node: Node): void {
    const pause = Math.min(longestPauseMilliseconds, firstPauseMilliseconds * 2 ** (node.failures - 1));
    this.#dialAfter(node, this.#jittered(pause));
  }

  #jittered(pause: number): number {
    return pause * (0.5 + this.#settings.random());
  }

  #dialAfter(node: Node, milliseconds: number): void {
    node.cancelTimer?.();
    node.cancelTimer = this.#settings.clock.schedule(() => this.#dial(node), milliseconds);
  }

  #leaderChanged(): void {
    if (this.#open.length > 0) {
      this.#members = new Set(this.#open.flatMap(({ welcome }) => welcome!.members.map(({ address }) => address)));
    }
    const before = this.#leaderConnection;
    this.#findLeader();
    const after = this.#leaderConnection;
    if (before !== undefined && before !== after) this.#deposed = before;
    // One that steps down in order answers what it has; one that hangs or is cut off does not.
    if (this.#deposed !== undefined && after !== undefined && this.#deposed !== after) {
      const deposed = this.#deposed;
      this.#deposed = undefined;
      this.#settings.clock.schedule(() => {
        if (this.#leaderConnection !== deposed) deposed.handOverWrites();
      }, handOverMilliseconds);
    }
    this.#handlers.onChange();
  }

  /**
   * Most connections decide, since one cut off from the others may believe in a leader long gone; of two with as many, the one told of last. The
   * leader is recognised by its member id, because the name under which it was dialled need not be the one it goes by.
   */
  #findLeader(): void {
    this.#leaderConnection = undefined;
    const votes = new Map<string, number>();
    let address: string | undefined;
    for (const { leader } of this.#open.toSorted((a, b) => b.leaderToldAt - a.leaderToldAt)) {
      if (leader !== undefined) votes.set(leader, (votes.get(leader) ?? 0) + 1);
    }
    for (const [candidate, count] of votes) {
      if (address === undefined || count > votes.get(address)!) address = candidate;
    }
    if (address === undefined) return;
    const memberId = this.#open
      .flatMap(({ welcome }) => welcome!.members)
      .find((member) => member.address === address)?.id;
    this.#leaderConnection = this.#open.find(
      ({ endpoint, welcome }) => endpoint === address || (memberId !== undefined && welcome!.memberId === memberId),
    );
    if (this.#leaderConnection === undefined) this.#discover(address);
  }

  /** The leader is none of the endpoints given: try its own address, and let others forward until that works, if ever. */
  #discover(address: string): void {
    // It may be one of those being dialled, under another name.
    if (this.#isClosed || this.#nodes.some(({ connection }) => connection?.isDialing)) return;
    const node = this.#learn(address);
    if (node !== undefined) this.#dial(node);
  }
}

function newNode(endpoint: string, isGiven: boolean): Node {
  return {
    endpoint,
    isGiven,
    connection: undefined,
    failures: 0,
    failedAt: -Infinity,
    isHurried: false,
    cancelTimer: undefined,
  };
}
