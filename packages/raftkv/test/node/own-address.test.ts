// Where a member listens: as it was told, else as the cluster knows it.
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/node/config.ts';
import { ownAddress } from '../../src/node/own-address.ts';

const nothing = loadConfig(new Map(), undefined);

describe('the address of a member', () => {
  it('is what it was told, by the list, a flag, or whoever embeds it', () => {
    const flagged = loadConfig(new Map([['--port', '9000']]), undefined);
    const listed = loadConfig(new Map([['--peers', 'node1:10.0.0.1:8081']]), undefined);
    expect(ownAddress(flagged, 'h:1')).toEqual({ host: '127.0.0.1', port: 9000 });
    expect(ownAddress(listed, 'h:1')).toEqual({ host: '10.0.0.1', port: 8081 });
    expect(ownAddress({ ...nothing, port: 0 }, 'h:1')).toEqual({ host: '127.0.0.1', port: 0 });
  });

  it('is else what the cluster knows, and the usual one where that knows nothing', () => {
    expect(ownAddress(nothing, 'h:1')).toEqual({ host: 'h', port: 1 });
    expect(ownAddress(nothing, '[::1]:8083')).toEqual({ host: '::1', port: 8083 });
    for (const known of [undefined, '']) expect(ownAddress(nothing, known)).toEqual({ host: '127.0.0.1', port: 8080 });
  });
});
