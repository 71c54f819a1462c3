// Relative links of the documents at the root and in docs/ lead to files and headings that exist.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../../scripts/program.ts';

function documents(): string[] {
  const below = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).map((name) =>
    join('docs', name),
  );
  return [...readdirSync(root), ...below, join('apps', 'demo', 'README.md')]
    .filter((name) => name.endsWith('.md'))
    .sort();
}

/** Text that is not code: what stands in fences or backticks is no link. */
function prose(text: string): string {
  return text.replaceAll(/^```[\s\S]*?^```/gm, '').replaceAll(/`[^`\n]*`/g, 'code');
}

function targets(text: string): string[] {
  return [...prose(text).matchAll(/\]\(([^()\s]+)\)/g)]
    .map((match) => match[1] as string)
    .filter((target) => !/^[a-z]+:/.test(target));
}

/** The names that headings can be linked by, as GitHub makes them. */
function anchors(text: string): Set<string> {
  const headings = [...text.replaceAll(/^```[\s\S]*?^```/gm, '').matchAll(/^#+ +(.+)$/gm)];
  return new Set(
    headings.map(([, heading]) =>
      (heading as string)
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

function isBroken(document: string, target: string): boolean {
  const [path = '', anchor] = decodeURI(target).split('#');
  const file = path === '' ? document : relative(root, join(root, dirname(document), path));
  if (file.startsWith('..') || !existsSync(join(root, file))) return true;
  if (anchor === undefined || statSync(join(root, file)).isDirectory()) return anchor !== undefined;
  return !anchors(readFileSync(join(root, file), 'utf8')).has(anchor);
}

test('every relative link in the documents leads somewhere', () => {
  const broken = documents().flatMap((document) =>
    targets(readFileSync(join(root, document), 'utf8'))
      .filter((target) => isBroken(document, target))
      .map((target) => `${document}: ${target}`),
  );
  expect(broken).toEqual([]);
});

test('links are found in the documents', () => {
  expect(targets('see [a](docs/a.md#b), `[no](code.md)` and [web](https://example.org)')).toEqual(['docs/a.md#b']);
  expect(isBroken('README.md', 'docs/nowhere.md')).toBe(true);
  expect(isBroken('README.md', 'docs/reference/errors.md#no-such-heading')).toBe(true);
});
