// The check of the packages as their users get them: packed by pnpm, then judged by publint and attw, and by what these
// two don't see: the source condition left in `exports`, and files that name a TypeScript source at run time.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { pack, publishablePackages, type PackedPackage } from './pack.ts';
import { root, runProgram } from './program.ts';

/** Packs and checks all publishable packages; needs their dist/ to be up to date. */
export async function checkPackages(): Promise<{ passed: boolean; output: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'spacegrid-pack-'));
  try {
    const packed = await pack(publishablePackages(), folder);
    const findings = (await Promise.all(packed.map((one) => findingsOf(one, folder)))).flat();
    return { passed: findings.length === 0, output: findings.join('\n') };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function findingsOf(packed: PackedPackage, folder: string): Promise<string[]> {
  const { name } = packed.manifest;
  const [publint, attw, content] = await Promise.all([
    runProgram('publint', ['run', packed.tarball, '--strict']),
    runProgram('attw', [packed.tarball, '--profile', 'esm-only', '--no-emoji', '--no-color']),
    contentFindings(packed, folder),
  ]);
  return [
    ...(publint.code === 0 ? [] : [`${name}: ${publint.output.trim()}`]),
    ...(attw.code === 0 ? [] : [`${name}: ${attw.output.trim()}`]),
    ...content.map((finding) => `${name}: ${finding}`),
  ];
}

async function contentFindings(packed: PackedPackage, folder: string): Promise<string[]> {
  const unpacked = mkdtempSync(join(folder, 'unpacked-'));
  const { code, output } = await runProgram('tar', ['-xzf', packed.tarball, '-C', unpacked]);
  if (code !== 0) return [`its tarball can't be unpacked: ${output}`];
  const base = join(unpacked, 'package');
  const findings: string[] = [];
  const manifest = readFileSync(join(base, 'package.json'), 'utf8');
  if (manifest.includes('@spacegrid/source')) findings.push('its packed exports still hold the source condition');
  if (/"workspace:/.test(manifest)) findings.push('its packed manifest holds a workspace: range');
  const sources = join(packed.folder, 'src');
  const files = readdirSync(join(base, 'dist'), { recursive: true, encoding: 'utf8' });
  for (const file of files) {
    if (!file.endsWith('.js')) continue;
    const text = readFileSync(join(base, 'dist', file), 'utf8');
    // Example texts in comments and messages name files as well: only one that src/ has is meant to be run.
    for (const [found, , path] of text.matchAll(/(?:new URL\(|from |import\()\s*(['"`])(\.[^'"`\n]*\.ts)\1/g)) {
      if (!existsSync(join(sources, dirname(file), path ?? ''))) continue;
      findings.push(`dist/${file} names a source file that is not there at run time: ${found}`);
    }
  }
  for (const file of readdirSync(sources, { recursive: true, encoding: 'utf8' })) {
    const built = file.replace(/\.ts$/, '.js');
    if (!/(?<!\.d)\.ts$/.test(file) || files.includes(built)) continue;
    findings.push(`${relative(root, join(sources, file))} has no dist/${built}`);
  }
  return findings;
}
