// Real connections whose state a test can lie about: wraps the constructor that Node's WebRTC has, and keeps what it makes. For `webrtc.test.ts`.
import type {
  PeerConnection,
  PeerConnectionConfiguration,
  PeerConnectionConstructor,
} from '../../src/webrtc/peer-connection.ts';

/** A real connection whose state a test can lie about. */
export interface KeptConnection extends PeerConnection {
  pretend(state: string): void;
}

/** A constructor like `Real`, which keeps what it makes in `connections`. */
export function keepingConnection(
  Real: PeerConnectionConstructor,
  connections: KeptConnection[],
): PeerConnectionConstructor {
  return class {
    constructor(configuration: PeerConnectionConfiguration) {
      const real = new Real(configuration);
      let pretended: string | undefined;
      const listeners: (() => void)[] = [];
      const changes: Readonly<Record<string, unknown>> = {
        addEventListener: (type: string, listener: () => void) => {
          if (type === 'connectionstatechange') listeners.push(listener);
          real.addEventListener(type as 'connectionstatechange', listener);
        },
        pretend: (state: string) => {
          pretended = state;
          for (const listener of listeners) listener();
        },
      };
      const kept = new Proxy({} as KeptConnection, {
        get: (_, name) => {
          if (name === 'connectionState' && pretended !== undefined) return pretended;
          const value: unknown = changes[String(name)] ?? Reflect.get(real, name);
          return typeof value === 'function' && !(name in changes) ? value.bind(real) : value;
        },
      });
      connections.push(kept);
      return kept;
    }
  } as unknown as PeerConnectionConstructor;
}
