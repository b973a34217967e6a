// How endpoints become URLs.
import { describe, expect, it } from 'vitest';
import { endpointUrl } from '../src/dial.ts';

describe('an endpoint', () => {
  it('is a host and port, or a URL with a path of its own', () => {
    const urls: Readonly<Record<string, string>> = {
      '127.0.0.1:8080': 'ws://127.0.0.1:8080/ws',
      '[::1]:8080': 'ws://[::1]:8080/ws',
      localhost: 'ws://localhost/ws',
      'http://h:1': 'ws://h:1/ws',
      'http://h:1/': 'ws://h:1/ws',
      'https://kv.example.org': 'wss://kv.example.org/ws',
      'wss://kv.example.org/behind/a/proxy': 'wss://kv.example.org/behind/a/proxy',
    };
    for (const [endpoint, url] of Object.entries(urls)) expect(endpointUrl(endpoint)).toBe(url);
  });
});
