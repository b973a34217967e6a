// The ways from a page to others, each of which can be taken away, slowed down or silenced. Stands in for what the browser has for them, so whatever the page opens
// afterwards goes these ways and knows nothing of it. Imported first by the page that is to suffer; when what happens is `test/chaos-web/`.

const weather = {
  /** No direct way leads anywhere. */
  areLinksGone: false,
  isRelayGone: false,
  /** Each message, both ways, comes up to so much later; in order. */
  delayMilliseconds: 0,
  /** Nothing passes until this is done; then all of it comes at once. */
  silence: Promise.resolve(),
};
let endSilence: (() => void) | undefined;
const ports = new Set<RTCDataChannel>();
const sockets = new Set<WebSocket>();

/** Ways are gone, or there again: the direct ones, and that to the relay. */
export function sever(links: boolean, relay: boolean): void {
  weather.areLinksGone = links;
  weather.isRelayGone = relay;
  const gone = [...(links ? ports : []), ...(relay ? sockets : [])];
  for (const way of gone) way.close();
}

export function slowDown(milliseconds: number): void {
  weather.delayMilliseconds = milliseconds;
}

/** As on a line that loses everything for a while, and sends it all again. */
export function silence(isSilent: boolean): void {
  if (isSilent && endSilence === undefined) {
    weather.silence = new Promise((resolve) => {
      endSilence = resolve;
    });
  } else if (!isSilent) {
    endSilence?.();
    endSilence = undefined;
  }
}

/** One direction of one way: in order, each as late as the weather has it. */
class Lane {
  #waiting = 0;
  #tail: Promise<unknown> = Promise.resolve();

  pass(run: () => void): void {
    const isFair = weather.delayMilliseconds === 0 && endSilence === undefined;
    if (isFair && this.#waiting === 0) return run();
    this.#waiting += 1;
    const due = performance.now() + Math.random() * weather.delayMilliseconds;
    this.#tail = this.#tail
      .then(() => new Promise((resolve) => void setTimeout(resolve, Math.max(0, due - performance.now()))))
      .then(() => weather.silence)
      .then(() => {
        this.#waiting -= 1;
        run();
      });
  }
}

type Message = Parameters<RTCDataChannel['send']>[0];
interface Way {
  send(data: Message): void;
  addEventListener(type: string, listener: (event: never) => void, options?: unknown): void;
}

/** What the transport does with a data channel or a socket goes through the weather. */
function exposed<W extends RTCDataChannel | WebSocket>(way: W, known: Set<W>): W {
  const plain = way as unknown as Way;
  const send = plain.send.bind(way);
  const listen = plain.addEventListener.bind(way);
  const [out, into] = [new Lane(), new Lane()];
  let isNow = true;
  plain.send = (data) => {
    isNow = true;
    const copy = data instanceof Uint8Array ? data.slice() : data;
    out.pass(() => {
      try {
        send(copy);
      } catch (error) {
        // Late, and the way is closed by now: what was on it is lost.
        if (isNow) throw error;
      }
    });
    isNow = false;
  };
  plain.addEventListener = (type, listener, options) => {
    if (type !== 'message') return listen(type, listener, options);
    listen(type, (event) => into.pass(() => listener(event)), options);
  };
  known.add(way);
  listen('close', () => known.delete(way));
  return way;
}

/** Behind a firewall it finds no way but a TURN server's, and there is none. */
class ExposedConnection extends RTCPeerConnection {
  constructor(configuration?: RTCConfiguration) {
    super(weather.areLinksGone ? { ...configuration, iceTransportPolicy: 'relay' } : configuration);
  }

  override createDataChannel(label: string, options?: RTCDataChannelInit): RTCDataChannel {
    return exposed(super.createDataChannel(label, options), ports);
  }
}

/** Nobody listens on that port. */
const nowhere = 'ws://127.0.0.1:1/';

class ExposedSocket extends WebSocket {
  constructor(url: string | URL, protocols?: string | string[]) {
    super(weather.isRelayGone ? nowhere : url, protocols);
    exposed(this as WebSocket, sockets);
  }
}

globalThis.RTCPeerConnection = ExposedConnection;
globalThis.WebSocket = ExposedSocket;
