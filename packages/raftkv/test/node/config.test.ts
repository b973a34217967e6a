// The configuration of `serve`: the YAML of the public contract as it stands, one file for all members, and errors that name what is off.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadConfig, parsePeer } from '../../src/node/config.ts';
import type { NodeConfig } from '../../src/node/config.ts';
import { parseDuration, parseSize } from '../../src/node/units.ts';

const directory = mkdtempSync(join(tmpdir(), 'raftkv-config-'));
afterAll(() => rmSync(directory, { recursive: true }));

const contract = `
server:     { node_id: node1, host: 127.0.0.1, port: 8080, data_dir: /data/raftkv }
cluster:    { peers: ["node1:127.0.0.1:8080", "node2:127.0.0.1:8081", "node3:127.0.0.1:8082"] }
raft:       { election_timeout: 300ms, heartbeat_interval: 150ms, snapshot_threshold: 10000, max_log_entries: 1000 }
storage:    { sync_write: true, compression: true, cache_size: 100MB }
monitoring: { metrics_port: 9090, health_check_port: 8090, log_level: INFO }
`;

function load(yaml: string | undefined, flags: Record<string, string> = {}): NodeConfig {
  if (yaml === undefined) return loadConfig(new Map(Object.entries(flags)), undefined);
  const file = join(directory, 'raftkv.yaml');
  writeFileSync(file, yaml);
  return loadConfig(new Map(Object.entries(flags)), file);
}

describe('config', () => {
  it('reads the file of the public contract as it stands', () => {
    expect(load(contract)).toEqual({
      nodeId: 'node1',
      host: '127.0.0.1',
      port: 8080,
      dataDirectory: '/data/raftkv/node1',
      advertise: undefined,
      isListed: true,
      isAddressGiven: true,
      clusterToken: 'raftkv',
      allowedOrigins: [],
      relay: false,
      tabMembers: false,
      peers: [1, 2, 3].map((n) => ({ name: `node${n}`, host: '127.0.0.1', port: 8079 + n })),
      electionTimeoutMilliseconds: 300,
      heartbeatIntervalMilliseconds: 150,
      priority: 10,
      leaseReads: false,
      snapshotThreshold: 10_000,
      snapshotRate: 100_000_000,
      maxLogEntries: 1_000,
      syncWrites: true,
      compression: true,
      cacheBytes: 100_000_000,
      metricsPort: 9090,
      healthCheckPort: 8090,
      flightRecorder: false,
      logLevel: 'INFO',
    });
  });

  it('serves a member that joined from the file of the founders: no place in the list, nobody’s address, no ports of others', () => {
    expect(load(contract, { '--id': 'node4' })).toMatchObject({
      nodeId: 'node4',
      isListed: false,
      isAddressGiven: false,
      dataDirectory: '/data/raftkv/node4',
      metricsPort: undefined,
      healthCheckPort: undefined,
    });
    expect(load(contract, { '--id': 'node4', '--port': '9000', '--metrics-port': '9001' })).toMatchObject({
      port: 9000,
      isAddressGiven: true,
      metricsPort: 9001,
    });
  });

  it('serves another member from the same file: its address from the list, its own directory, shifted monitoring ports', () => {
    expect(load(contract, { '--id': 'node3' })).toMatchObject({
      nodeId: 'node3',
      port: 8082,
      dataDirectory: '/data/raftkv/node3',
      metricsPort: 9092,
      healthCheckPort: 8092,
    });
  });

  it('lets each flag override its key, a directory given by flag being exactly that one', () => {
    const config = load(contract, {
      '--id': 'node2',
      '--port': '9999',
      '--data-dir': 'here',
      '--metrics-port': '7000',
      '--election-timeout': '2s',
      '--sync-write': 'false',
      '--cache-size': '64MiB',
      '--log-level': 'debug',
    });
    expect(config).toMatchObject({
      port: 9999,
      dataDirectory: resolve('here'),
      metricsPort: 7000,
      electionTimeoutMilliseconds: 2_000,
      syncWrites: false,
      cacheBytes: 67_108_864,
      logLevel: 'DEBUG',
    });
  });

  it('needs neither file nor flags: one member on port 8080', () => {
    expect(load(undefined)).toMatchObject({
      nodeId: 'node1',
      host: '127.0.0.1',
      port: 8080,
      dataDirectory: resolve('data/node1'),
      peers: [{ name: 'node1', host: '127.0.0.1', port: 8080 }],
    });
  });

  it.each([
    ['an unknown section', 'servers: { port: 1 }', {}, /unknown section servers/],
    ['an unknown key', 'server: { prot: 8080 }', {}, /unknown key server\.prot/],
    ['a bad duration', 'raft: { election_timeout: 300 }', {}, /raft\.election_timeout: 300 is not a duration/],
    ['a bad size', 'storage: { cache_size: lots }', {}, /storage\.cache_size: "lots" is not a size/],
    ['a bad port', 'server: { port: 80800 }', {}, /server\.port: 80800 is not a port/],
    ['a bad boolean', 'storage: { sync_write: perhaps }', {}, /storage\.sync_write: "perhaps" is not true or false/],
    ['a bad priority', 'raft: { priority: 101 }', {}, /raft\.priority: 101 is not a whole number from 0 to 100/],
    ['a bad level', 'monitoring: { log_level: LOUD }', {}, /log_level: "LOUD"/],
    ['a bad peer', 'cluster: { peers: ["node1"] }', {}, /cluster\.peers: "node1" is not NAME:HOST:PORT/],
    ['text that is no YAML', 'server: { port', {}, /raftkv\.yaml: /],
    ['a list for a file', '- 1', {}, /is not a table of sections/],
    ['an address without a port', undefined, { '--advertise': 'node9' }, /--advertise: "node9" is not HOST:PORT/],
    ['a snapshot rate that would take for ever', contract, { '--snapshot-rate': '10KB' }, /below 64KB/],
    ['an election timeout too near the heartbeat', contract, { '--election-timeout': '200ms' }, /at least twice/],
    ['a monitoring port that is the server’s', contract, { '--metrics-port': '8080' }, /already the server/],
    ['one monitoring port for two', contract, { '--health-check-port': '9090' }, /already monitoring\.metrics_port/],
    ['a duration that no timer has', contract, { '--election-timeout': '600h' }, /"600h" is longer than 24 days/],
    ['a flag with a bad value', contract, { '--port': 'http' }, /--port: "http" is not a port/],
  ])('names %s', (_, yaml, flags, message) => {
    expect(() => load(yaml, flags as Record<string, string>)).toThrow(message);
    try {
      load(yaml, flags as Record<string, string>);
    } catch (error) {
      expect(error).toMatchObject({ code: 'config_invalid' });
    }
  });

  it('says so when the file cannot be read', () => {
    expect(() => loadConfig(new Map(), join(directory, 'none.yaml'))).toThrow(/none\.yaml: cannot be read \(ENOENT\)/);
  });

  it('reads IPv6 addresses in brackets', () => {
    expect(parsePeer('a:[::1]:80')).toEqual({ name: 'a', host: '[::1]', port: 80 });
  });

  it('reads durations and sizes with their units', () => {
    expect([
      parseDuration('x', '1.5s'),
      parseDuration('x', '2m'),
      parseSize('x', '1KB'),
      parseSize('x', '1KiB'),
      parseSize('x', 7),
    ]).toEqual([1_500, 120_000, 1_000, 1_024, 7]);
  });
});
