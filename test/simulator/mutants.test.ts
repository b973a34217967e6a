// Each mutant must still find the text that it breaks: a table of bugs that cannot be put back any more would prove nothing. Whether they are caught is for
// `npm run simulate -- --kill-table` to say.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

interface Mutant {
  readonly what: string;
  readonly edits: readonly { readonly file: string; readonly find: string; readonly replace: string }[];
}

const root = join(import.meta.dirname, '../..');
const { mutants } = (await import(join(import.meta.dirname, 'runner/mutants/index.mjs'))) as {
  readonly mutants: Readonly<Record<string, Mutant>>;
};

for (const [name, { edits }] of Object.entries(mutants)) {
  it(`can still put ${name} back`, () => {
    const texts = new Map<string, string>();
    for (const { file, find, replace } of edits) {
      const text = texts.get(file) ?? readFileSync(join(root, file), 'utf8');
      expect(text.split(find).length - 1, `${file}: ${find}`).toBe(1);
      texts.set(
        file,
        text.replace(find, () => replace),
      );
    }
  });
}
