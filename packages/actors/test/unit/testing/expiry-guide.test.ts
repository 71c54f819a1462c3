/** The program in docs/guides/expiry-and-eviction.md runs as it stands there. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const guide = readFileSync(new URL('../../../../../docs/guides/expiry-and-eviction.md', import.meta.url), 'utf8');

function block(title: string): string {
  const found = guide.split(`\`\`\`ts title="${title}"\n`)[1]?.split('\n```')[0];
  if (found === undefined) throw new Error(`the guide has no block ${title}`);
  return found;
}

it("passes the guide's own tests", async () => {
  const program = `${block('sessions.ts')}\n${block('sessions.test.ts').replace(/^import .* from '\.\/sessions\.ts';$/m, '')}`;
  const args = ['--conditions=@spacegrid/source', '--input-type=module-typescript', '--eval', program];
  // Its folder is one from which the package is found by its name.
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: import.meta.dirname, timeout: 20_000 });
  expect(stdout).toMatch(/pass 3\n/);
  expect(stdout).toMatch(/fail 0\n/);
});
