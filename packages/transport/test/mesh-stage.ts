// Meshes of a test that find each other over memory channels, in the time of a fake clock.
import type { MeshOptions } from '../src/index.ts';
import { FakeClock } from './fake-clock.ts';
import { MemoryPhone, openMember, peersOf, selfOf } from './mesh-member.ts';
import type { TestMember } from './mesh-member.ts';

export function setUp(latencyMilliseconds = 0) {
  const clock = new FakeClock();
  const defer = (deliver: () => void): void => void clock.schedule(deliver, latencyMilliseconds);
  const phone = new MemoryPhone(latencyMilliseconds === 0 ? {} : { defer });
  const open = (id: string, change: Partial<MeshOptions> = {}): TestMember => {
    const others = ['a', 'b', 'c'].filter((other) => other !== id);
    const member = openMember({
      self: selfOf(id),
      peers: peersOf(others),
      dial: phone.dial,
      clock,
      random: () => 0.999_999,
      ...change,
    });
    phone.listen(id, (channel) => member.mesh.accept(channel));
    return member;
  };
  const stop = async (member: TestMember): Promise<void> => {
    phone.listen(member.id, undefined);
    await member.mesh.close();
  };
  return { clock, phone, open, stop };
}
