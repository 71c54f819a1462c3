// `npm run new -- FOLDER`: a folder of its own with actors, an app and a test, ready for `npm start` and `npm test`.
//   --published   depend on the packages of the npm registry; without it they are packed from this checkout into the folder
//   --no-install  leave `npm install` to the caller
import { copyFileSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { pack, publishablePackages } from './pack.ts';
import { root, runProgram } from './program.ts';

/** An error that a person can act on: its message is printed without a stack. */
class UsageError extends Error {}

const starter = join(root, 'apps', 'starter');
const sources = ['actors.ts', 'app.ts', 'app.test.ts'];
const needed = ['@spacegrid/core', '@spacegrid/persistence', '@spacegrid/actors'];
const ownNodePlatforms = ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64', 'win-x64'];

/** The version of the Node on the machine, which may be older than the one that runs this. */
const outerNode = process.env['SPACEGRID_OUTER_NODE'] ?? process.versions.node;

const appTsconfig = {
  compilerOptions: {
    target: 'ES2024',
    module: 'NodeNext',
    types: ['node'],
    strict: true,
    noEmit: true,
    allowImportingTsExtensions: true,
    erasableSyntaxOnly: true,
    verbatimModuleSyntax: true,
  },
};

function readArguments(): { folder: string; published: boolean; install: boolean } {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { published: { type: 'boolean', default: false }, 'no-install': { type: 'boolean', default: false } },
    });
    const [folder, ...others] = positionals;
    if (folder === undefined || folder === '' || others.length > 0) throw new Error('Name one folder');
    // npm runs its scripts in the repository's folder; INIT_CWD is where the person is.
    const from = process.env['INIT_CWD'] ?? process.cwd();
    return { folder: resolve(from, folder), published: values.published, install: !values['no-install'] };
  } catch (error) {
    const [what] = (error as Error).message.split('. ');
    throw new UsageError(`${what}: npm run new -- my-app [--published] [--no-install]`);
  }
}

function refuseUnfit(folder: string): void {
  const name = basename(folder);
  if (!/^[a-z0-9][a-z0-9._-]{0,100}$/.test(name) || ['node_modules', 'favicon.ico'].includes(name)) {
    throw new UsageError(
      `"${name}" can't name a package: use lower-case letters, digits, "-", "_" and ".", such as my-app.`,
    );
  }
  const found = statSync(folder, { throwIfNoEntry: false });
  if (found && !found.isDirectory()) throw new UsageError(`${folder} is a file: choose another name.`);
  if (found && readdirSync(folder).length > 0) {
    throw new UsageError(`${folder} exists and is not empty: choose another name, or empty it first.`);
  }
}

/** What `dependencies` says: versions of the registry, or tarballs made now and kept in the folder. */
async function dependencies(folder: string, published: boolean): Promise<Record<string, string>> {
  const packages = publishablePackages().filter(({ manifest }) => needed.includes(manifest.name));
  if (published) return Object.fromEntries(packages.map(({ manifest }) => [manifest.name, `^${manifest.version}`]));
  const built = await runProgram('tsc', ['-b', ...packages.map((one) => one.folder)]);
  if (built.code !== 0) {
    const first = built.output.trim().split('\n', 1)[0] ?? '';
    throw new UsageError(`The packages of this checkout don't build, see npm run build: ${first}`);
  }
  const vendor = join(folder, 'vendor');
  mkdirSync(vendor, { recursive: true });
  const packed = await pack(packages, vendor);
  return Object.fromEntries(packed.map((one) => [one.manifest.name, `file:vendor/${basename(one.tarball)}`]));
}

/** On a machine whose Node is too old for the packages the app brings a newer one, which npm's scripts find first. */
function ownNode(): Record<string, string> | undefined {
  if (outerNode === process.versions.node) return undefined;
  return Object.fromEntries(ownNodePlatforms.map((platform) => [`node-${platform}`, process.versions.node]));
}

/** What `npm run check` of the app needs, in the versions that this checkout is checked with. */
function compilerPackages(): Record<string, string | undefined> {
  const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    devDependencies: Record<string, string>;
  };
  return { '@types/node': devDependencies['@types/node'], typescript: devDependencies['typescript'] };
}

async function makeFolder(folder: string, published: boolean): Promise<void> {
  const newerNode = ownNode();
  const manifest = {
    name: basename(folder),
    version: '0.1.0',
    private: true,
    type: 'module',
    scripts: { start: 'node app.ts', test: 'node --test', check: 'tsc' },
    dependencies: await dependencies(folder, published),
    devDependencies: compilerPackages(),
    ...(newerNode ? { optionalDependencies: newerNode } : {}),
  };
  mkdirSync(folder, { recursive: true });
  for (const file of sources) copyFileSync(join(starter, file), join(folder, file));
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
  writeFileSync(join(folder, 'tsconfig.json'), `${JSON.stringify(appTsconfig, undefined, 2)}\n`);
  writeFileSync(join(folder, '.gitignore'), 'node_modules/\ndata/\n');
}

async function main(): Promise<void> {
  const { folder, published, install } = readArguments();
  refuseUnfit(folder);
  try {
    await makeFolder(folder, published);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS')
      throw new UsageError(`${dirname(folder)} is not writable.`);
    if (code === 'ENOTDIR') throw new UsageError(`${dirname(folder)} is not a folder.`);
    throw error;
  }
  if (install) {
    console.log('Installing its dependencies');
    const { code, output } = await runProgram('npm', ['install', '--no-audit', '--no-fund'], { cwd: folder });
    if (code !== 0)
      throw new UsageError(`${output.trim()}\nThe folder is made, but npm install failed in it: run it again there.`);
  }
  const from = process.env['INIT_CWD'] ?? process.cwd();
  if (ownNode())
    console.log(`Node ${outerNode} is too old for the packages: the app brings Node ${process.versions.node}.`);
  console.log(`Made ${basename(folder)}: ${sources.join(', ')}`);
  console.log(`  cd ${relative(from, folder) || '.'}`);
  if (!install) console.log('  npm install');
  console.log(
    '  npm start        runs app.ts\n  npm test         runs app.test.ts\n  npm run check    checks their types',
  );
}

try {
  await main();
} catch (error) {
  console.error(error instanceof UsageError ? error.message : error);
  process.exitCode = 1;
}
