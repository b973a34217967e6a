// A disk whose power can be cut: a real ext4 in a file of its own, which the kernel is told to shut down without flushing its journal (the same
// ioctl that file system developers test crashes with). What was not synced, nor by chance written back, is gone; the next mount replays
// the journal as after a real power cut. It models a disk that keeps what it says it has; a disk that lies about syncs it does not.
import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** EXT4_IOC_SHUTDOWN with EXT4_GOING_FLAGS_NOLOGFLUSH. Node has no ioctl, and perl is on every Debian. */
const shutdown =
  'open(my $f, "<", $ARGV[0]) or die "$!"; my $how = pack("L", 2); ioctl($f, 0x8004587d, $how) or die "$!"';
const diskBytes = 512 * 1024 * 1024;

/** What a power cut took, as a reader of the files sees it. */
export interface CutLoss {
  readonly bytes: number;
  /** Files that came or went, or were renamed. */
  readonly names: number;
}

export class CuttableDisk {
  readonly directory: string;
  private readonly image: string;

  private constructor(image: string, directory: string) {
    this.image = image;
    this.directory = directory;
  }

  /** Why there can be none here; undefined if there can. */
  static async obstacle(parent: string): Promise<string | undefined> {
    if (process.platform !== 'linux') return 'it is made of Linux’s ext4';
    if (process.getuid?.() !== 0) return 'mounting needs root';
    try {
      const disk = CuttableDisk.mount(path.join(parent, 'probe'));
      await disk.restore(await disk.cut());
      disk.discard();
      return undefined;
    } catch (error) {
      return `an ext4 in a file cannot be mounted: ${(error as Error).message.trim().split('\n').at(-1)}`;
    }
  }

  /** Makes `<place>.img` and mounts it at `place`. */
  static mount(place: string): CuttableDisk {
    const disk = new CuttableDisk(`${place}.img`, place);
    mkdirSync(place, { recursive: true });
    writeFileSync(disk.image, '');
    truncateSync(disk.image, diskBytes);
    execFileSync('mkfs.ext4', ['-q', '-F', disk.image], { stdio: 'pipe' });
    execFileSync('mount', ['-o', 'loop,noatime', disk.image, place], { stdio: 'pipe' });
    process.on('exit', disk.discard);
    return disk;
  }

  /** Cuts the power. The process that writes here should be stopped before and must be dead before `restore`. Returns what was there. */
  async cut(): Promise<Map<string, Buffer>> {
    const before = this.read();
    await run('perl', ['-e', shutdown, this.directory]);
    return before;
  }

  /** Power is back: mounts what the disk kept. */
  async restore(before: ReadonlyMap<string, Buffer>): Promise<CutLoss> {
    await run('umount', [this.directory]);
    await run('mount', ['-o', 'loop,noatime', this.image, this.directory]);
    const after = this.read();
    let bytes = 0;
    let names = 0;
    for (const [name, was] of before) {
      const is = after.get(name);
      if (is === undefined) names++;
      else bytes += differing(was, is);
    }
    for (const name of after.keys()) if (!before.has(name)) names++;
    return { bytes, names };
  }

  /** Unmounts it, whatever holds it. */
  readonly discard = (): void => {
    process.off('exit', this.discard);
    try {
      execFileSync('umount', ['-l', this.directory], { stdio: 'pipe' });
    } catch {
      // It is not mounted any more.
    }
  };

  private read(): Map<string, Buffer> {
    // Lock files are not data: they are not synced, and need not be.
    const files = readdirSync(this.directory, { withFileTypes: true, recursive: true }).filter(
      (file) => file.isFile() && !file.name.startsWith('lock-'),
    );
    return new Map(
      files.map((file) => {
        const name = path.join(file.parentPath, file.name);
        return [name, readFileSync(name)];
      }),
    );
  }
}

function differing(was: Buffer, is: Buffer): number {
  if (was.equals(is)) return 0;
  const common = Math.min(was.length, is.length);
  let count = Math.max(was.length, is.length) - common;
  for (let at = 0; at < common; at++) if (was[at] !== is[at]) count++;
  return count;
}
