// In which order vitest takes the files of a suite: where several run side by side, one that takes a minute must not begin last. What it remembers of earlier runs
// is gone in a fresh clone, so the long ones are named here; the others follow, large before small. Asked by `vite.config.ts`.
import { relative } from 'node:path';
import { BaseSequencer } from 'vitest/node';
import type { TestSpecification } from 'vitest/node';

/** A file that is not among them only costs time. */
const longest = [
  'packages/observer/test/feeders/lies.test.ts',
  'packages/raftkv/test/room/room.test.ts',
  'packages/raftkv/test/web/member/tab-member.test.ts',
  'packages/client/test/watch.test.ts',
  'packages/observer/test/web/shared-replica.test.ts',
  'test/chaos/chaos.process.test.ts',
  'test/e2e/member-faults.test.ts',
  'test/e2e/random.test.ts',
  'test/e2e/disk-faults.test.ts',
  'test/e2e/dev.test.ts',
  'test/e2e/members.test.ts',
  'test/e2e/errors.test.ts',
  'test/browser/page-room.test.ts',
  'test/browser/room-ways.test.ts',
  'test/browser/room.test.ts',
  'test/browser/member.test.ts',
  'test/browser/page-room-lines.test.ts',
  'test/browser/page-room-proofs.test.ts',
  'test/browser/page-room-relay.test.ts',
  'test/browser/member-off-thread.test.ts',
  'test/browser/page.test.ts',
  'test/browser/chaos.test.ts',
  'test/browser/room-firefox.test.ts',
  'test/browser/off-thread.test.ts',
  'test/browser/tabs-bad-days.test.ts',
  'test/browser/tabs.test.ts',
  'test/browser/room-cache.test.ts',
  'test/browser/webrtc.test.ts',
  'test/browser/copy-bad-days.test.ts',
  'test/browser/member-power-cut.test.ts',
  'test/browser/room-codes.test.ts',
  'test/browser/outbox.test.ts',
  'test/browser/webrtc-restart.test.ts',
  'test/browser/member-kept-ports.test.ts',
  'test/browser/storage-bad-days.test.ts',
  'test/browser/histories.test.ts',
  'test/browser/replica-firefox.test.ts',
  'test/browser/storage-crashes.test.ts',
];

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const place = ({ moduleId }: TestSpecification): number => {
      const at = longest.indexOf(relative(this.ctx.config.root, moduleId));
      return at < 0 ? longest.length : at;
    };
    const orderOf = ({ project }: TestSpecification): number => project.config.sequence.groupOrder;
    return sorted.toSorted((a, b) => orderOf(a) - orderOf(b) || place(a) - place(b));
  }
}
