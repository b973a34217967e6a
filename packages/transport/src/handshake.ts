// The words that open a channel between two members: hello (from the one that dialled), welcome, confirm; and since version 2, in which both tell facts of
// themselves, a confirm of the other one as well. When it is done, each side has admitted the other's storage, durably, and knows that the other has done so too.
// Deciding whom to admit is the caller's business.
import type { PeerId } from '@raftkv/raft';
import { RaftkvError, decodePeerControl, encodePeerControl } from '@raftkv/wire';
import type { PeerConfirm, PeerControl, PeerFacts, PeerHello, PeerWelcome } from '@raftkv/wire';
import type { FrameInbox } from './frame-inbox.ts';

export interface MeshSelf {
  readonly memberId: PeerId;
  readonly memberName: string;
  readonly clusterId: string;
  readonly storeId: string;
}

/** Who is at the other end. */
export interface Greeted {
  readonly memberId: PeerId;
  readonly storeId: string;
  /** What it tells of itself; undefined where version 1 is spoken, and before it has told them. */
  readonly facts?: PeerFacts;
}

/** How a handshake ended. */
export interface Greeting extends Greeted {
  /** What was told there. Undefined in version 1. */
  readonly told?: PeerFacts;
}

export interface HandshakeOptions {
  readonly self: MeshSelf;
  /** What this peer is told of this member. Default: version 1 alone is spoken, which has no facts. */
  readonly factsFor?: (memberId: PeerId) => PeerFacts;
  /** The id of the cluster in which this one is met: it is told, and expected of it. Throws a RaftkvError to refuse. Default: `self.clusterId`. */
  readonly clusterIdFor?: (memberId: PeerId) => string;
  /** Somebody of another cluster took this member for one of its own. */
  readonly onForeign?: (memberId: PeerId) => void;
  readonly isPeer: (memberId: PeerId) => boolean;
  /** What a member is told that is no peer. Default: `wrong_member`. */
  readonly strangerError?: (memberId: PeerId) => RaftkvError;
  /** Makes the admission durable; rejects with a RaftkvError to refuse. One that dialled is admitted by its storage first, and once more when it has told its facts. */
  readonly admit: (peer: Greeted) => Promise<void>;
}

/** One of the two said no. Everything else that goes wrong in a handshake is a RaftkvError of the channel. */
export class Refusal {
  readonly error: RaftkvError;
  readonly by: 'self' | 'peer';
  /** The other one, as far as it was named. Hostile unless it was dialled. */
  readonly memberId: PeerId | undefined;

  constructor(error: RaftkvError, by: 'self' | 'peer', memberId: PeerId | undefined) {
    this.error = error;
    this.by = by;
    this.memberId = memberId;
  }
}

/** Versions of the peer protocol that are spoken here, best first. */
function versionsOf({ factsFor }: HandshakeOptions): readonly number[] {
  return factsFor === undefined ? [1] : [2, 1];
}

/** The side that dialled. Throws a Refusal or the channel's RaftkvError, and has closed the channel then. */
export async function greet(inbox: FrameInbox, peerId: PeerId, options: HandshakeOptions): Promise<Greeting> {
  const { memberId: from, memberName: fromName, storeId } = options.self;
  const versions = versionsOf(options);
  const clusterId = await refuseOnError(inbox, peerId, async () => clusterIdFor(options, peerId));
  say(inbox, { type: 'hello', versions, clusterId, from, to: peerId, fromName, storeId });
  const welcome = await hear(inbox, 'welcome', peerId);
  const { facts } = welcome;
  const greeted = { memberId: peerId, storeId: welcome.storeId, ...(facts && { facts }) };
  const told = await refuseOnError(inbox, peerId, async () => {
    checkCluster(clusterId, welcome.clusterId);
    if (welcome.from !== peerId) {
      throw new RaftkvError('wrong_member', `${inbox.channel.remote} is ${welcome.from}, not ${peerId}`);
    }
    if (!versions.includes(welcome.version)) throw noCommonVersion(versions, [welcome.version]);
    checkFacts(welcome.version, facts);
    await options.admit(greeted);
    return welcome.version === 1 ? undefined : options.factsFor?.(peerId);
  });
  say(inbox, { type: 'confirm', ...(told && { facts: told }) });
  if (told === undefined) return greeted;
  // It may refuse what it has been told just now.
  await hear(inbox, 'confirm', peerId);
  return { ...greeted, told };
}

/** The side that was dialled. Throws like `greet`. */
export async function answer(inbox: FrameInbox, options: HandshakeOptions): Promise<Greeting> {
  const { self } = options;
  const hello = await hear(inbox, 'hello', undefined);
  const greeted = { memberId: hello.from, storeId: hello.storeId };
  const { version, clusterId, told } = await refuseOnError(inbox, hello.from, async () => {
    const found = checkHello(hello, options);
    const versions = versionsOf(options);
    const common = versions.find((candidate) => hello.versions.includes(candidate));
    if (common === undefined) throw noCommonVersion(versions, hello.versions);
    await options.admit(greeted);
    return { version: common, clusterId: found, told: common === 1 ? undefined : options.factsFor?.(hello.from) };
  });
  const { memberId: from, storeId } = self;
  say(inbox, { type: 'welcome', version, clusterId, from, storeId, ...(told && { facts: told }) });
  const { facts } = await hear(inbox, 'confirm', hello.from);
  if (told === undefined) return greeted;
  const whole = { ...greeted, ...(facts && { facts }) };
  await refuseOnError(inbox, hello.from, async () => {
    checkFacts(version, facts);
    await options.admit(whole);
  });
  say(inbox, { type: 'confirm' });
  return { ...whole, told };
}

function checkFacts(version: number, facts: PeerFacts | undefined): void {
  if ((version === 1) !== (facts === undefined)) {
    throw new RaftkvError(
      'bad_frame',
      `in version ${version} facts ${facts === undefined ? 'are due' : 'have no place'}`,
    );
  }
}

/** The id of the cluster in which the two meet. */
function checkHello(hello: PeerHello, options: HandshakeOptions): string {
  const { self, isPeer, strangerError, onForeign } = options;
  const clusterId = clusterIdFor(options, hello.from);
  if (clusterId !== hello.clusterId && hello.to === self.memberId) onForeign?.(hello.from);
  checkCluster(clusterId, hello.clusterId);
  if (hello.to !== self.memberId) {
    throw new RaftkvError('wrong_member', `this is ${self.memberId} (${self.memberName}), not ${hello.to}`);
  }
  if (isPeer(hello.from)) return clusterId;
  throw strangerError?.(hello.from) ?? new RaftkvError('wrong_member', `${hello.from} is no member that is known here`);
}

function clusterIdFor({ self, clusterIdFor: find }: HandshakeOptions, memberId: PeerId): string {
  return find === undefined ? self.clusterId : find(memberId);
}

function checkCluster(own: string, theirs: string): void {
  if (own === theirs) return;
  throw new RaftkvError('wrong_cluster', `this is cluster ${own}, not ${theirs}`);
}

function noCommonVersion(spoken: readonly number[], offered: readonly number[]): RaftkvError {
  const message = `no common version of the peer protocol: ${spoken.join(', ')} here, ${offered.join(', ')} there`;
  return new RaftkvError('unsupported_version', message);
}

function say(inbox: FrameInbox, control: PeerControl): void {
  inbox.channel.send(encodePeerControl(control));
}

type Word = PeerHello | PeerWelcome | PeerConfirm;

/** The next word, which must be the expected one; a refusal in its place is thrown, anything else is a `bad_frame`. */
async function hear<T extends Word['type']>(
  inbox: FrameInbox,
  expected: T,
  from: PeerId | undefined,
): Promise<Extract<Word, { type: T }>> {
  const frame = await inbox.next();
  let control: PeerControl;
  try {
    control = decodePeerControl(frame);
  } catch (error) {
    throw closeWith(inbox, RaftkvError.from(error, 'bad_frame'));
  }
  if (control.type === expected) return control as Extract<Word, { type: T }>;
  if (control.type === 'refusal') {
    const error = new RaftkvError(control.code, control.message);
    inbox.channel.close();
    throw new Refusal(error, 'peer', from);
  }
  throw closeWith(inbox, new RaftkvError('bad_frame', `a ${control.type} where a ${expected} was due`));
}

/** Runs the checks and the admission; a failure is told to the other side before the channel closes. */
async function refuseOnError<T>(inbox: FrameInbox, memberId: PeerId, check: () => Promise<T>): Promise<T> {
  try {
    return await check();
  } catch (thrown) {
    const error = RaftkvError.from(thrown);
    say(inbox, { type: 'refusal', code: error.code, message: error.message.slice(0, maxReasonCharacters) });
    inbox.channel.close(error);
    throw new Refusal(error, 'self', memberId);
  }
}

const maxReasonCharacters = 500;

function closeWith(inbox: FrameInbox, error: RaftkvError): RaftkvError {
  inbox.channel.close(error);
  return error;
}
