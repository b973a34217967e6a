// The page of the suites of members in workers: that of `member.ts`, with the member in a worker, which a test can end, and a page that can be busy.
import { connect } from 'raftkv';
import { openTabMember } from 'raftkv/member-off-thread';
import type { TabMember } from 'raftkv/member';
import { memberLab } from './member.ts';
import type { LabOptions } from './member.ts';

const memberThreadLab = {
  /** All that were started, the present one last. */
  workers: [] as Worker[],
  /** The script of the workers is not where it was, as after a deployment. */
  isScriptGone: false,
  /** The script of this page does nothing else for so long. */
  hang: (milliseconds: number): void => {
    const end = performance.now() + milliseconds;
    while (performance.now() < end);
  },
  /** As in browsers that hand no data channel over to a worker; `kept` counts. */
  keepDataChannels: (): void => {
    const { postMessage } = MessagePort.prototype;
    MessagePort.prototype.postMessage = function (message: unknown, transfer: object | object[] = []) {
      if (Array.isArray(transfer) && transfer.some((each) => each instanceof RTCDataChannel)) {
        memberThreadLab.kept += 1;
        throw new DOMException('RTCDataChannel object could not be cloned.', 'DataCloneError');
      }
      return postMessage.call(this, message, transfer);
    };
  },
  kept: 0,
};

memberLab.open = async ({ room, relay, ...options }: LabOptions): Promise<void> => {
  const member = await openTabMember({
    ...options,
    words: { room, relay },
    worker: () => {
      const worker = memberThreadLab.isScriptGone
        ? new Worker('/gone.js', { type: 'module' })
        : new Worker(new URL('member-worker.ts', import.meta.url), { type: 'module' });
      memberThreadLab.workers.push(worker);
      return worker;
    },
  });
  // What the page of `member.ts` uses of it is there.
  memberLab.member = member as TabMember;
  memberLab.kv = connect({ endpoints: [member.address], dial: member.dial });
};

declare global {
  // Seen by the functions that a test evaluates in the page.
  var memberThreadLab: MemberThreadLab;
}
export type MemberThreadLab = typeof memberThreadLab;

globalThis.memberThreadLab = memberThreadLab;
