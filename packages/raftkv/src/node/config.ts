// Reads the configuration of `raftkv serve`: the YAML file and the flags over it become one checked NodeConfig. One file serves
// all members: with `--id node2` host and port come from the list of peers, the data goes to `data_dir/node2`, and
// the member's position in the list is added to the two monitoring ports. The list is that of the founders: whoever joined is not in it.
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { RaftkvError } from '@raftkv/wire';
import { YAMLParseError, parse } from 'yaml';
import { settings } from './settings.ts';
import type { Settings } from './settings.ts';

export interface PeerAddress {
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

export interface NodeConfig extends Omit<Settings, 'nodeId' | 'host' | 'port' | 'dataDirectory' | 'peers'> {
  readonly nodeId: string;
  readonly host: string;
  readonly port: number;
  readonly dataDirectory: string;
  /** The founders; this member alone if none are listed. */
  readonly peers: readonly PeerAddress[];
  /** Whether this member is one of them. */
  readonly isListed: boolean;
  /** Whether host and port were given at all; if not, a member that joined has them from the cluster. */
  readonly isAddressGiven: boolean;
}

/** Where a member listens that was told nothing. */
export const fallbackAddress = { host: '127.0.0.1', port: 8080 } as const;

/** Flags by their option name (`--data-dir`), as the command line gave them. */
export type Flags = ReadonlyMap<string, string>;

/** Throws `config_invalid` that names the key or flag which is off. */
export function loadConfig(flags: Flags, configFile: string | undefined): NodeConfig {
  const file = configFile === undefined ? {} : readConfigFile(configFile);
  const read = (values: (setting: (typeof settings)[number]) => [string, unknown] | undefined): Partial<Settings> => {
    const result: Record<string, unknown> = {};
    for (const setting of settings) {
      const found = values(setting);
      if (found !== undefined) result[setting.name] = setting.read(found[0], found[1]);
    }
    return result as Partial<Settings>;
  };
  const fromFile = read(({ path: [section, key] }) => {
    const value = file[section]?.[key];
    return value === undefined ? undefined : [`${configFile}: ${section}.${key}`, value];
  });
  const fromFlags = read(({ flag }) => {
    const value = flags.get(flag);
    return value === undefined ? undefined : [flag, value];
  });
  return complete(fromFile, fromFlags);
}

function complete(fromFile: Partial<Settings>, fromFlags: Partial<Settings>): NodeConfig {
  const fallbacks = Object.fromEntries(settings.map(({ name, fallback }) => [name, fallback])) as unknown as Settings;
  const merged: Settings = { ...fallbacks, ...fromFile, ...fromFlags };
  const nodeId = merged.nodeId ?? 'node1';
  const listed = merged.peers?.map((peer) => parsePeer(peer));
  const position = listed?.findIndex((peer) => peer.name === nodeId) ?? 0;
  const isListed = position >= 0;
  // The file's own address is that of the member it names; another member of the same file is found in the list.
  const isNamedInFile = fromFile.nodeId === undefined || fromFile.nodeId === nodeId;
  const own = listed?.[position];
  const givenHost = fromFlags.host ?? (isNamedInFile ? fromFile.host : undefined) ?? own?.host;
  const givenPort = fromFlags.port ?? (isNamedInFile ? fromFile.port : undefined) ?? own?.port;
  const host = givenHost ?? fallbackAddress.host;
  const port = givenPort ?? fallbackAddress.port;
  const isAddressGiven = givenPort !== undefined;
  const peers = listed ?? [{ name: nodeId, host, port }];
  const dataDirectory = resolve(fromFlags.dataDirectory ?? join(fromFile.dataDirectory ?? 'data', nodeId));
  // Whoever is not in the list has no position in it: on a host that it shares it would take another one's ports.
  const shift = (flagged: number | undefined, filed: number | undefined): number | undefined =>
    flagged ?? (filed === undefined || !isListed ? undefined : filed === 0 ? 0 : filed + position);
  const metricsPort = shift(fromFlags.metricsPort, fromFile.metricsPort);
  const healthCheckPort = shift(fromFlags.healthCheckPort, fromFile.healthCheckPort);
  const monitoring = { metricsPort, healthCheckPort };
  const config = { ...merged, nodeId, host, port, dataDirectory, peers, isListed, isAddressGiven, ...monitoring };
  checkTogether(config);
  return config;
}

function checkTogether(config: NodeConfig): void {
  const { electionTimeoutMilliseconds: election, heartbeatIntervalMilliseconds: heartbeat } = config;
  if (heartbeat < 10) throw new RaftkvError('config_invalid', `raft.heartbeat_interval: ${heartbeat}ms is below 10ms`);
  if (election < heartbeat * 2) {
    throw new RaftkvError(
      'config_invalid',
      `raft.election_timeout: ${election}ms must be at least twice raft.heartbeat_interval (${heartbeat}ms)`,
    );
  }
  if (config.snapshotRate < 64_000) {
    throw new RaftkvError('config_invalid', `raft.snapshot_rate: ${config.snapshotRate} is below 64KB`);
  }
  const ports = new Map([[config.port, "the server's port"]]);
  for (const [key, port] of [
    ['metrics_port', config.metricsPort],
    ['health_check_port', config.healthCheckPort],
  ] as const) {
    if (port === undefined || port === 0) continue;
    const owner = ports.get(port);
    if (owner !== undefined) {
      throw new RaftkvError('config_invalid', `monitoring.${key}: ${port} is already ${owner}`);
    }
    ports.set(port, `monitoring.${key}`);
  }
}

/** `NAME:HOST:PORT`; an IPv6 host stands in brackets. */
export function parsePeer(text: string): PeerAddress {
  const match = /^([A-Za-z0-9_.-]+):(\[[0-9a-fA-F:.]+\]|[^:\s]+):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port < 1 || port > 65_535) {
    throw new RaftkvError('config_invalid', `cluster.peers: ${JSON.stringify(text)} is not NAME:HOST:PORT`);
  }
  return { name: match[1]!, host: match[2]!, port };
}

type Sections = Readonly<Record<string, Readonly<Record<string, unknown>> | undefined>>;

function readConfigFile(path: string): Sections {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const code = (error as { code?: string }).code ?? 'error';
    throw new RaftkvError('config_invalid', `${path}: cannot be read (${code})`, { cause: error });
  }
  let document: unknown;
  try {
    document = parse(text);
  } catch (error) {
    const line = error instanceof YAMLParseError ? error.message.split('\n')[0]! : String(error);
    throw new RaftkvError('config_invalid', `${path}: ${line}`, { cause: error });
  }
  if (document === null || document === undefined) return {};
  if (!isRecord(document)) throw new RaftkvError('config_invalid', `${path}: is not a table of sections`);
  checkKeys(path, document);
  return document as Sections;
}

function checkKeys(path: string, document: Readonly<Record<string, unknown>>): void {
  const known = new Map<string, string[]>();
  for (const {
    path: [section, key],
  } of settings)
    known.set(section, [...(known.get(section) ?? []), key]);
  for (const [section, values] of Object.entries(document)) {
    const keys = known.get(section);
    if (keys === undefined) {
      throw new RaftkvError(
        'config_invalid',
        `${path}: unknown section ${section}; there are ${[...known.keys()].join(', ')}`,
      );
    }
    if (values === null) continue;
    if (!isRecord(values)) throw new RaftkvError('config_invalid', `${path}: ${section} is not a table of keys`);
    const wrong = Object.keys(values).find((key) => !keys.includes(key));
    if (wrong !== undefined) {
      throw new RaftkvError('config_invalid', `${path}: unknown key ${section}.${wrong}; there are ${keys.join(', ')}`);
    }
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
