// Packs the publishable packages as they would be published. Who calls it: the package checks, the consumer test and
// `npm run new`, each into a folder of its own.
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root, runProgram } from './program.ts';

export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
}

export interface PublishablePackage {
  readonly manifest: Manifest;
  readonly folder: string;
}

export interface PackedPackage extends PublishablePackage {
  /** Path of the .tgz file. */
  readonly tarball: string;
}

/** The packages of this repository that are not private. */
export function publishablePackages(): PublishablePackage[] {
  return readdirSync(join(root, 'packages'))
    .map((name) => join(root, 'packages', name))
    .map((folder) => ({ folder, manifest: JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest }))
    .filter(({ manifest }) => manifest.private !== true);
}

/** Deletes what an earlier build left of sources that are gone: tsc doesn't, and it would be packed. */
function removeStaleOutput(folder: string): void {
  const dist = join(folder, 'dist');
  for (const file of readdirSync(dist, { recursive: true, encoding: 'utf8' })) {
    const source = file.replace(/\.(js|d\.ts)(\.map)?$/, '.ts');
    if (source !== file && !existsSync(join(folder, 'src', source))) rmSync(join(dist, file));
  }
}

/** Packs packages whose dist/ is up to date into `destination`. Throws with what pnpm printed when one can't be packed. */
export async function pack(packages: readonly PublishablePackage[], destination: string): Promise<PackedPackage[]> {
  return Promise.all(
    packages.map(async (one) => {
      removeStaleOutput(one.folder);
      const { code, output } = await runProgram('pnpm', ['pack', '--pack-destination', destination], {
        cwd: one.folder,
      });
      if (code !== 0) throw new Error(`pnpm pack of ${one.manifest.name} failed:\n${output}`);
      const file = `${one.manifest.name.replace('@', '').replace('/', '-')}-${one.manifest.version}.tgz`;
      return { ...one, tarball: join(destination, file) };
    }),
  );
}
