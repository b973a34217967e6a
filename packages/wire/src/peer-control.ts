// The handshake between two members, before any message of the core, and the pings that keep their channel honest. The layout of `hello` and `refusal` is
// frozen: members of any two versions must understand each other well enough to refuse. What version 2 adds stands behind what version 1 had.
import { RaftkvError } from './error.ts';
import type { ErrorCode } from './error.ts';
import { Reader } from './reader.ts';
import { readErrorCode } from './server-frame.ts';
import { Writer } from './writer.ts';

/** First on a channel, from the member that dialled. */
export interface PeerHello {
  readonly type: 'hello';
  /** Versions of the peer protocol it speaks. */
  readonly versions: readonly number[];
  readonly clusterId: string;
  readonly from: string;
  /** Whom it means to reach. */
  readonly to: string;
  readonly fromName: string;
  readonly storeId: string;
}
/** Which start of a storage speaks. */
export interface Incarnation {
  /** From 1 on; one more at each start, durably, before a word is said. */
  readonly bootCount: number;
  /** 16 hexadecimal digits each, drawn at a start: of this one, and of up to 15 before it, newest first. */
  readonly draws: readonly string[];
}
/** What a member tells of itself since version 2. */
export interface PeerFacts {
  readonly incarnation: Incarnation;
  /** Of a founder: the storages of the founders, as far as it has noted them, by their ids; its own too. At most 64. */
  readonly founding: ReadonlyMap<string, string> | undefined;
}
/** The answer, from the member that was dialled. */
export interface PeerWelcome {
  readonly type: 'welcome';
  /** The version both will use. */
  readonly version: number;
  readonly clusterId: string;
  readonly from: string;
  readonly storeId: string;
  /** From version 2 on, and only then. */
  readonly facts?: PeerFacts;
}
/** The one that dialled accepts the welcome. In version 1: from here on, messages. In version 2 the other one confirms too, without facts: then messages. */
export interface PeerConfirm {
  readonly type: 'confirm';
  /** In version 2: of the one that dialled. */
  readonly facts?: PeerFacts;
}
/** On an open channel of version 2: a founder has noted more of the founders' storages than it told in the handshake. */
export interface PeerFounding {
  readonly type: 'founding';
  readonly storeIds: ReadonlyMap<string, string>;
}
/** Instead of welcome or confirm; then the channel is closed. */
export interface PeerRefusal {
  readonly type: 'refusal';
  readonly code: ErrorCode;
  readonly message: string;
}
export interface PeerPing {
  readonly type: 'ping';
  readonly nonce: number;
}
export interface PeerPong {
  readonly type: 'pong';
  readonly nonce: number;
}
export type PeerControl = PeerHello | PeerWelcome | PeerConfirm | PeerRefusal | PeerPing | PeerPong | PeerFounding;

/** The first byte: told apart from frames of messages by its highest bit. */
const controlFormat = 0x81;

const helloTag = 1;
const welcomeTag = 2;
const confirmTag = 3;
const refusalTag = 4;
const pingTag = 5;
const pongTag = 6;
const foundingTag = 7;
/** By tag. Facts are two more. */
const elements: readonly number[] = [0, 7, 5, 1, 3, 2, 2, 2];
const factElements = 2;

const maxDraws = 16;
const maxFounders = 64;

/** Whether a frame between peers is one of these (and not one of messages). */
export function isPeerControl(bytes: Uint8Array): boolean {
  return (bytes[0] ?? 0) >= 0x80;
}

export function encodePeerControl(control: PeerControl): Uint8Array {
  const writer = new Writer(64);
  writer.byte(controlFormat);
  switch (control.type) {
    case 'hello':
      writeHello(writer, control);
      break;
    case 'welcome':
      writeWelcome(writer, control);
      break;
    case 'confirm':
      writeHead(writer, confirmTag, control.facts);
      break;
    case 'refusal':
      writeHead(writer, refusalTag);
      writer.text(control.code);
      writer.text(control.message);
      break;
    case 'ping':
    case 'pong':
      writeHead(writer, control.type === 'ping' ? pingTag : pongTag);
      writer.uint(control.nonce);
      break;
    case 'founding':
      writeHead(writer, foundingTag);
      writeStoreIds(writer, control.storeIds);
      break;
  }
  if (control.type === 'welcome' || control.type === 'confirm') writeFacts(writer, control.facts);
  return writer.finish();
}

/** Throws `bad_frame` or `unsupported_version`. */
export function decodePeerControl(bytes: Uint8Array): PeerControl {
  const reader = new Reader(bytes);
  const format = reader.byte();
  if (format !== controlFormat) {
    throw new RaftkvError('unsupported_version', `a peer's handshake in format 0x${format.toString(16)}`);
  }
  const count = reader.array();
  const tag = reader.uint();
  const plain = elements[tag] ?? 0;
  const hasFacts = (tag === welcomeTag || tag === confirmTag) && count === plain + factElements;
  if (count === 0 || (count !== plain && !hasFacts)) {
    reader.fail(`there is no peer control ${tag} with ${count} elements`);
  }
  const control = readControl(reader, tag, hasFacts);
  reader.expectEnd();
  return control;
}

function readControl(reader: Reader, tag: number, hasFacts: boolean): PeerControl {
  switch (tag) {
    case helloTag:
      return readHello(reader);
    case welcomeTag:
      return readWelcome(reader, hasFacts);
    case confirmTag:
      return hasFacts ? { type: 'confirm', facts: readFacts(reader) } : { type: 'confirm' };
    case refusalTag: {
      const code = readErrorCode(reader);
      return { type: 'refusal', code, message: reader.text() };
    }
    case pingTag:
      return { type: 'ping', nonce: reader.uint() };
    case pongTag:
      return { type: 'pong', nonce: reader.uint() };
    default:
      return { type: 'founding', storeIds: readStoreIds(reader) };
  }
}

function writeHead(writer: Writer, tag: number, facts?: PeerFacts): void {
  writer.array(elements[tag]! + (facts === undefined ? 0 : factElements));
  writer.uint(tag);
}

function writeHello(writer: Writer, hello: PeerHello): void {
  writeHead(writer, helloTag);
  writer.array(hello.versions.length);
  for (const version of hello.versions) writer.uint(version);
  writer.text(hello.clusterId);
  writer.text(hello.from);
  writer.text(hello.to);
  writer.text(hello.fromName);
  writer.text(hello.storeId);
}

function readHello(reader: Reader): PeerHello {
  const versions: number[] = [];
  for (let left = reader.array(); left > 0; left -= 1) versions.push(reader.uint());
  const clusterId = reader.text();
  const from = reader.text();
  const to = reader.text();
  const fromName = reader.text();
  return { type: 'hello', versions, clusterId, from, to, fromName, storeId: reader.text() };
}

function writeWelcome(writer: Writer, welcome: PeerWelcome): void {
  writeHead(writer, welcomeTag, welcome.facts);
  writer.uint(welcome.version);
  writer.text(welcome.clusterId);
  writer.text(welcome.from);
  writer.text(welcome.storeId);
}

function readWelcome(reader: Reader, hasFacts: boolean): PeerWelcome {
  const version = reader.uint();
  const clusterId = reader.text();
  const from = reader.text();
  const welcome = { type: 'welcome', version, clusterId, from, storeId: reader.text() } as const;
  return hasFacts ? { ...welcome, facts: readFacts(reader) } : welcome;
}

function writeFacts(writer: Writer, facts: PeerFacts | undefined): void {
  if (facts === undefined) return;
  const { incarnation, founding } = facts;
  writer.array(1 + incarnation.draws.length);
  writer.uint(incarnation.bootCount);
  for (const draw of incarnation.draws) writer.text(draw);
  if (founding === undefined) writer.nil();
  else writeStoreIds(writer, founding);
}

function readFacts(reader: Reader): PeerFacts {
  const count = reader.array() - 1;
  if (count < 1 || count > maxDraws) reader.fail(`an incarnation has 1 to ${maxDraws} draws, not ${count}`);
  const bootCount = reader.positive();
  const draws: string[] = [];
  while (draws.length < count) draws.push(readDraw(reader));
  return { incarnation: { bootCount, draws }, founding: reader.nil() ? undefined : readStoreIds(reader) };
}

function readDraw(reader: Reader): string {
  const draw = reader.text();
  return /^[0-9a-f]{16}$/.test(draw) ? draw : reader.fail('a draw is 16 hexadecimal digits');
}

function writeStoreIds(writer: Writer, storeIds: ReadonlyMap<string, string>): void {
  writer.array(storeIds.size * 2);
  for (const [id, storeId] of storeIds) {
    writer.text(id);
    writer.text(storeId);
  }
}

function readStoreIds(reader: Reader): ReadonlyMap<string, string> {
  const count = reader.array();
  if (count % 2 !== 0 || count > maxFounders * 2) reader.fail(`a founding has up to ${maxFounders} pairs`);
  const storeIds = new Map<string, string>();
  for (let left = count; left > 0; left -= 2) storeIds.set(reader.text(), reader.text());
  return storeIds.size * 2 === count ? storeIds : reader.fail('a founder is there twice');
}
