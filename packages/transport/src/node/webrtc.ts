// WebRTC in Node, which has none: takes the package @roamhq/wrtc where it is installed, an optional peer dependency. A door of its own, so that
// nobody needs the package who does not dial tabs.
import { RaftkvError } from '@raftkv/wire';
import type { PeerConnectionConstructor } from '../webrtc/index.ts';

/**
 * The constructor to give to `openWebRtc` and its kin. Rejects with `unsupported` where the package is missing or has no build for this machine.
 *
 * @example
 * ```ts
 * const webRtc = openWebRtc({ RTCPeerConnection: await nodeWebRtc(), selfId, signalling, onChannel });
 * ```
 */
export async function nodeWebRtc(): Promise<PeerConnectionConstructor> {
  try {
    const { default: wrtc } = await import('@roamhq/wrtc');
    return wrtc.RTCPeerConnection;
  } catch (error) {
    const hint = 'install @roamhq/wrtc beside raftkv; it has builds for Linux, macOS and Windows';
    throw new RaftkvError('unsupported', `there is no WebRTC here: ${hint}`, { cause: error });
  }
}
