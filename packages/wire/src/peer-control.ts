// The handshake between two members, before any message of the core, and the pings that keep their channel honest. The layout of
// the handshake is frozen: members of any two versions must understand each other well enough to refuse.
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
/** The answer, from the member that was dialled. */
export interface PeerWelcome {
  readonly type: 'welcome';
  /** The version both will use. */
  readonly version: number;
  readonly clusterId: string;
  readonly from: string;
  readonly storeId: string;
}
/** The one that dialled accepts the welcome: from here on, messages. */
export interface PeerConfirm {
  readonly type: 'confirm';
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
export type PeerControl = PeerHello | PeerWelcome | PeerConfirm | PeerRefusal | PeerPing | PeerPong;

/** The first byte: told apart from frames of messages by its highest bit. */
const controlFormat = 0x81;

const helloTag = 1;
const welcomeTag = 2;
const confirmTag = 3;
const refusalTag = 4;
const pingTag = 5;
const pongTag = 6;
const elements: readonly number[] = [0, 7, 5, 1, 3, 2, 2];

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
      writeHead(writer, confirmTag);
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
  }
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
  if (count === 0 || count !== elements[tag]) reader.fail(`there is no peer control ${tag} with ${count} elements`);
  const control = readControl(reader, tag);
  reader.expectEnd();
  return control;
}

function readControl(reader: Reader, tag: number): PeerControl {
  switch (tag) {
    case helloTag:
      return readHello(reader);
    case welcomeTag: {
      const version = reader.uint();
      const clusterId = reader.text();
      const from = reader.text();
      return { type: 'welcome', version, clusterId, from, storeId: reader.text() };
    }
    case confirmTag:
      return { type: 'confirm' };
    case refusalTag: {
      const code = readErrorCode(reader);
      return { type: 'refusal', code, message: reader.text() };
    }
    case pingTag:
      return { type: 'ping', nonce: reader.uint() };
    default:
      return { type: 'pong', nonce: reader.uint() };
  }
}

function writeHead(writer: Writer, tag: number): void {
  writer.array(elements[tag]!);
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
  writeHead(writer, welcomeTag);
  writer.uint(welcome.version);
  writer.text(welcome.clusterId);
  writer.text(welcome.from);
  writer.text(welcome.storeId);
}
