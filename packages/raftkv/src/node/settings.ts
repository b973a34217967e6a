// The table of settings: each key of the config file with its flag, its reader, its default and a line of help. `config.ts` merges
// the file and the flags by it, and the CLI makes its options from it, so a setting is written down once.
import { RaftkvError } from '@raftkv/wire';
import { parseDuration, parseSize } from './units.ts';

export type LogLevel = 'DEBUG' | 'INFO' | 'WARN' | 'ERROR';

export interface Settings {
  readonly nodeId: string | undefined;
  readonly host: string | undefined;
  readonly port: number | undefined;
  readonly advertise: string | undefined;
  readonly dataDirectory: string | undefined;
  /** Origins of web pages from elsewhere that may talk to this member; `*` = any. */
  readonly allowedOrigins: readonly string[];
  /** Whether tabs may find each other through this member, and speak through it where no other way leads. */
  readonly relay: boolean;
  readonly tabMembers: boolean;
  readonly peers: readonly string[] | undefined;
  readonly clusterToken: string;
  readonly electionTimeoutMilliseconds: number;
  readonly heartbeatIntervalMilliseconds: number;
  /** 0 to 100. */
  readonly priority: number;
  readonly leaseReads: boolean;
  readonly snapshotThreshold: number;
  readonly snapshotRate: number;
  readonly maxLogEntries: number;
  readonly syncWrites: boolean;
  readonly compression: boolean;
  readonly cacheBytes: number;
  readonly metricsPort: number | undefined;
  readonly healthCheckPort: number | undefined;
  readonly flightRecorder: boolean;
  readonly logLevel: LogLevel;
}

export interface Setting<K extends keyof Settings = keyof Settings> {
  readonly name: K;
  /** Section and key in the YAML file. */
  readonly path: readonly [section: string, key: string];
  readonly flag: string;
  readonly placeholder: string;
  readonly help: string;
  readonly read: (what: string, value: unknown) => Settings[K];
  readonly fallback: Settings[K];
}

function setting<K extends keyof Settings>(
  name: K,
  path: readonly [string, string],
  flag: string,
  placeholder: string,
  help: string,
  read: (what: string, value: unknown) => NoInfer<Settings[K]>,
  fallback: NoInfer<Settings[K]>,
): Setting<K> {
  return { name, path, flag, placeholder, help, read, fallback };
}

export const settings = [
  setting(
    'nodeId',
    ['server', 'node_id'],
    '--id',
    'NAME',
    "this member's name in the list of peers",
    readName,
    undefined,
  ),
  setting('host', ['server', 'host'], '--host', 'HOST', 'address to listen on', readName, undefined),
  setting(
    'port',
    ['server', 'port'],
    '--port',
    'PORT',
    'the one port for clients, peers and HTTP',
    readPort,
    undefined,
  ),
  setting(
    'advertise',
    ['server', 'advertise'],
    '--advertise',
    'HOST:PORT',
    'where the others reach a member that is not in the list of peers, if not under its host and port',
    readAddress,
    undefined,
  ),
  setting(
    'dataDirectory',
    ['server', 'data_dir'],
    '--data-dir',
    'DIR',
    'where this member keeps its data (in the file: the parent of all members’ directories)',
    readName,
    undefined,
  ),
  setting(
    'allowedOrigins',
    ['server', 'allowed_origins'],
    '--allowed-origins',
    'LIST',
    'origins of web pages from elsewhere that may talk to this member, such as https://app.example; * = any',
    readList,
    [],
  ),
  setting(
    'relay',
    ['server', 'relay'],
    '--relay',
    'BOOL',
    'let tabs of the allowed origins find each other through this member, and pass on what they say where no direct way leads, within limits',
    readBoolean,
    false,
  ),
  setting(
    'tabMembers',
    ['server', 'tab_members'],
    '--tab-members',
    'BOOL',
    'let tabs of the allowed origins be members, and have them change who is one: the cluster then trusts these pages as it trusts itself',
    readBoolean,
    false,
  ),
  setting(
    'peers',
    ['cluster', 'peers'],
    '--peers',
    'LIST',
    'all founding members, NAME:HOST:PORT, separated by commas',
    readPeers,
    undefined,
  ),
  setting(
    'clusterToken',
    ['cluster', 'token'],
    '--cluster-token',
    'TOKEN',
    'tells clusters apart that have members of the same names',
    readName,
    'raftkv',
  ),
  setting(
    'electionTimeoutMilliseconds',
    ['raft', 'election_timeout'],
    '--election-timeout',
    'TIME',
    'without a leader for so long: an election',
    parseDuration,
    300,
  ),
  setting(
    'heartbeatIntervalMilliseconds',
    ['raft', 'heartbeat_interval'],
    '--heartbeat-interval',
    'TIME',
    'between heartbeats of the leader',
    parseDuration,
    150,
  ),
  setting(
    'priority',
    ['raft', 'priority'],
    '--priority',
    'NUMBER',
    'who should rather lead: the higher, 0 to 100; 0 = never by itself',
    readPriority,
    10,
  ),
  setting(
    'leaseReads',
    ['raft', 'lease_reads'],
    '--lease-reads',
    'BOOL',
    'serve linearizable reads without asking the others, counting on clocks that drift less than 10 %; the same for all members',
    readBoolean,
    false,
  ),
  setting(
    'snapshotThreshold',
    ['raft', 'snapshot_threshold'],
    '--snapshot-threshold',
    'ENTRIES',
    'entries between snapshots',
    readPositive,
    10_000,
  ),
  setting(
    'snapshotRate',
    ['raft', 'snapshot_rate'],
    '--snapshot-rate',
    'SIZE',
    'bytes of snapshots a second that are sent to members that lag, all of them together',
    parseSize,
    100_000_000,
  ),
  setting(
    'maxLogEntries',
    ['raft', 'max_log_entries'],
    '--max-log-entries',
    'ENTRIES',
    'most entries in one AppendEntries',
    readPositive,
    1_000,
  ),
  setting(
    'syncWrites',
    ['storage', 'sync_write'],
    '--sync-write',
    'BOOL',
    'sync before acknowledging; false may lose acknowledged writes in a power cut',
    readBoolean,
    true,
  ),
  setting(
    'compression',
    ['storage', 'compression'],
    '--compression',
    'BOOL',
    'compress snapshots and large payloads where it pays',
    readBoolean,
    true,
  ),
  setting(
    'cacheBytes',
    ['storage', 'cache_size'],
    '--cache-size',
    'SIZE',
    'memory for log entries kept for followers that lag',
    parseSize,
    100_000_000,
  ),
  setting(
    'metricsPort',
    ['monitoring', 'metrics_port'],
    '--metrics-port',
    'PORT',
    'serve /metrics on a port of its own too',
    readPort,
    undefined,
  ),
  setting(
    'healthCheckPort',
    ['monitoring', 'health_check_port'],
    '--health-check-port',
    'PORT',
    'serve /livez, /readyz and /health on a port of its own too',
    readPort,
    undefined,
  ),
  setting(
    'flightRecorder',
    ['monitoring', 'flight_recorder'],
    '--flight-recorder',
    'BOOL',
    'record what the core is given, for raftkv replay; in data_dir/flight, some 80 MB at most, no keys or values',
    readBoolean,
    false,
  ),
  setting(
    'logLevel',
    ['monitoring', 'log_level'],
    '--log-level',
    'LEVEL',
    'DEBUG, INFO, WARN or ERROR',
    readLogLevel,
    'INFO',
  ),
] as const;

function readName(what: string, value: unknown): string {
  if (typeof value === 'string' && value !== '') return value;
  throw invalid(what, value, 'a text that is not empty');
}

function readAddress(what: string, value: unknown): string {
  if (typeof value === 'string' && /^(?:\[[0-9a-fA-F:.]+\]|[^:\s/]+):\d{1,5}$/.test(value)) return value;
  throw invalid(what, value, 'HOST:PORT');
}

function readPort(what: string, value: unknown): number {
  const port = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
  if (typeof port === 'number' && Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw invalid(what, value, 'a port between 0 and 65535');
}

function readPositive(what: string, value: unknown): number {
  const count = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
  if (typeof count === 'number' && Number.isSafeInteger(count) && count > 0) return count;
  throw invalid(what, value, 'a whole number above 0');
}

function readPriority(what: string, value: unknown): number {
  const priority = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
  if (typeof priority === 'number' && Number.isInteger(priority) && priority >= 0 && priority <= 100) return priority;
  throw invalid(what, value, 'a whole number from 0 to 100');
}

function readBoolean(what: string, value: unknown): boolean {
  if (value === true || value === 'true') return true;
  if (value === false || value === 'false') return false;
  throw invalid(what, value, 'true or false');
}

function readList(what: string, value: unknown): readonly string[] {
  const list = typeof value === 'string' ? value.split(',') : value;
  if (Array.isArray(list) && list.every((item) => typeof item === 'string')) {
    return list.map((item) => item.trim()).filter((item) => item !== '');
  }
  throw invalid(what, value, 'a list of texts');
}

function readPeers(what: string, value: unknown): readonly string[] {
  const list = typeof value === 'string' ? value.split(',') : value;
  if (Array.isArray(list) && list.length > 0 && list.every((item) => typeof item === 'string')) {
    return list.map((item) => item.trim()).filter((item) => item !== '');
  }
  throw invalid(what, value, 'a list of NAME:HOST:PORT');
}

function readLogLevel(what: string, value: unknown): LogLevel {
  const level = typeof value === 'string' ? value.toUpperCase() : value;
  if (level === 'DEBUG' || level === 'INFO' || level === 'WARN' || level === 'ERROR') return level;
  throw invalid(what, value, 'DEBUG, INFO, WARN or ERROR');
}

function invalid(what: string, value: unknown, expected: string): RaftkvError {
  return new RaftkvError('config_invalid', `${what}: ${JSON.stringify(value)} is not ${expected}`);
}
