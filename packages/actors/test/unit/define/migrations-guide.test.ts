/** The program in docs/guides/migrations.md runs as it stands there. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const guide = readFileSync(new URL('../../../../../docs/guides/migrations.md', import.meta.url), 'utf8');

function block(title: string): string {
  const found = guide.split(`\`\`\`ts title="${title}"\n`)[1]?.split('\n```')[0];
  if (found === undefined) throw new Error(`the guide has no block ${title}`);
  return found;
}

it('passes its own test, and its definition can be served', async () => {
  const test = block('player.test.ts').replace(/^import .* from '\.\/player\.ts';$/m, '');
  const serve = `import { createTestGrid } from '@spacegrid/actors/testing';
    await createTestGrid({ actors: [Player] }).close();`;
  const program = `${block('player.ts')}\n${test}\n${serve}`;
  const args = ['--conditions=@spacegrid/source', '--input-type=module-typescript', '--eval', program];
  // Its folder is one from which the package is found by its name.
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: import.meta.dirname, timeout: 20_000 });
  expect(stdout).toMatch(/pass 1\n/);
  expect(stdout).toMatch(/fail 0\n/);
});
