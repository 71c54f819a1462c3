/** State that was stored by an older version of the actors, opened by a newer one, and the other way round. */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createGrid, type Grid } from '@spacegrid/actors';
import { isGridError } from '@spacegrid/core';
import { sqlite } from '@spacegrid/persistence';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Alarm } from '../fixtures/alarm-actors.ts';
import { Player as PlayerV1 } from '../fixtures/shapes/v1.ts';
import { Player as PlayerV2 } from '../fixtures/shapes/v2.ts';
import { Player as PlayerV2Unloading } from '../fixtures/shapes/v2-unloading.ts';
import { Player as PlayerV3 } from '../fixtures/shapes/v3.ts';
import { rejection, until } from '../../../../test/fixtures/until.ts';

const root = mkdtempSync(join(tmpdir(), 'spacegrid-migrations-'));
/** Of version 1, its rows folded. */
const folded = join(root, 'folded');
/** Of version 1, its rows in the journal's tail. */
const journalled = join(root, 'journalled');
let copies = 0;

function copyOf(store: string): string {
  const copy = join(root, `copy${copies++}`);
  cpSync(store, copy, { recursive: true });
  return copy;
}

const open = (module: string, directory: string): Promise<Grid> =>
  createGrid({
    actors: new URL(`../fixtures/shapes/${module}.ts`, import.meta.url),
    workers: 1,
    partitions: 2,
    persistence: sqlite({ directory }),
  });

async function refusal(module: string, directory: string): Promise<string> {
  const error = await rejection(open(module, directory));
  expect(isGridError(error, 'SCHEMA_VERSION'), String(error)).toBe(true);
  return error.message;
}

beforeAll(async () => {
  const grid = await open('v1', folded);
  await grid.actor(PlayerV1, 'ada').fill('Ada', 250);
  await grid.actor(PlayerV1, 'bob').fill('\uFEFFBob', 99);
  await grid.flush();
  // Closing does not fold.
  await until(
    'all is folded',
    async () => (await grid.stats()).durability?.foldLagBytes,
    (bytes) => bytes === 0,
  );
  await grid.close();
  const script = fileURLToPath(new URL('../fixtures/shapes/fill-and-die.ts', import.meta.url));
  const { signal, stderr } = spawnSync(
    process.execPath,
    ['--conditions=@spacegrid/source', '--disable-warning=ExperimentalWarning', script, journalled],
    { encoding: 'utf8', timeout: 20_000 },
  );
  expect(signal, stderr).toBe('SIGKILL');
}, 40_000);

afterAll(() => rmSync(root, { recursive: true, force: true }));

const adaInV2 = {
  name: 'Ada',
  gold: 2,
  silver: 50,
  tags: ['new'],
  first: { stars: 3, colour: 'red', body: 'of Ada' },
  second: undefined,
  scores: [['week', 250]],
  weekly: 0,
};

describe.each([
  ['folded', folded],
  ['in the journal', journalled],
])('stored state of an older version, %s', (_where, store) => {
  it('is seen by queries, peeks and commands as the migrations make it, and stays when it was opened', async () => {
    const directory = copyOf(store);
    let grid = await open('v2', directory);
    expect(await grid.actor(PlayerV2, 'ada').all()).toEqual(adaInV2);
    expect(grid.actor(PlayerV2, 'ada').peek.all()).toEqual(adaInV2);
    expect(grid.actor(PlayerV2, 'bob').peek.all()).toMatchObject({ name: '\uFEFFBob', gold: 0, silver: 99 });
    await grid.actor(PlayerV2, 'ada').fill('Ada L.', 7);
    const written = await grid.actor(PlayerV2, 'ada').all();
    expect(written).toMatchObject({ name: 'Ada L.', gold: 7, silver: 50, weekly: 1 });
    await grid.close();
    grid = await open('v2', directory);
    expect(await grid.actor(PlayerV2, 'ada').all()).toEqual(written);
    expect(await grid.actor(PlayerV2, 'bob').all()).toMatchObject({ name: '\uFEFFBob', gold: 0, silver: 99 });
    await grid.close();
  });

  it('is brought to the new one when its actor is loaded, where a start loads none', async () => {
    const grid = await open('v2-unloading', copyOf(store));
    expect(() => grid.actor(PlayerV2Unloading, 'ada').peek.all()).toThrow(/unloaded/);
    expect(await grid.actor(PlayerV2Unloading, 'ada').all()).toEqual(adaInV2);
    await grid.close();
  });
});

it('goes through several versions at once, and through others one by one, to the same', async () => {
  const atOnce = copyOf(folded);
  const byOne = copyOf(folded);
  await (await open('v2', byOne)).close();
  for (const directory of [atOnce, byOne]) {
    const grid = await open('v3', directory);
    const ada = { name: 'Ada', gold: 4, silver: 50, stars: '***', colour: 'red', old: 0 };
    expect(await grid.actor(PlayerV3, 'ada').all()).toEqual(directory === byOne ? ada : { ...ada, old: 1 });
    await grid.close();
  }
});

describe('stored state that the code can not read', () => {
  let store = '';

  beforeAll(() => {
    store = copyOf(folded);
  });

  it.each([
    [
      'same-version',
      /stored player has version 1 \{ name: text, coins: f64.*version 1 \{ name: text, coins: text.*raise/,
    ],
    ['same-version-unloading', /stored player has version 1 .*raise the version/],
    ['failing', /player "(ada|bob)" can't be brought from version 1 to 2: the migration to 2 failed: no idea/],
    ['other', /the store holds actors named player, which the actors module does not define/],
  ])('is refused with both shapes: %s', async (module, message) => {
    expect(await refusal(module, store)).toMatch(message);
  });

  it('is left as it was', async () => {
    const grid = await open('v1', store);
    expect(await grid.actor(PlayerV1, 'ada').all()).toEqual({ name: 'Ada', coins: 250 });
    expect(await grid.actor(PlayerV1, 'bob').all()).toEqual({ name: '\uFEFFBob', coins: 99 });
    await grid.close();
  });

  it('is refused by an older program once a newer one has written', async () => {
    const grid = await open('v2', store);
    await grid.actor(PlayerV2, 'ada').fill('Ada L.', 7);
    await grid.close();
    expect(await refusal('v1', store)).toMatch(/version 2 .* the data is of a newer program/);
  });
});

it('a start that one partition refuses has run nothing in the others', async () => {
  const directory = join(root, 'alarms');
  const trace = join(root, 'rang');
  const start = (query: string): Promise<Grid> =>
    createGrid({
      actors: new URL(`../fixtures/alarm-actors.ts${query}`, import.meta.url),
      workers: 2,
      partitions: 2,
      persistence: sqlite({ directory }),
    });
  const grid = await start('');
  const sequences = async (): Promise<number[]> => (await grid.stats()).partitions.map(({ sequence }) => sequence);
  await grid.actor(Alarm, 'a').set('ring', 10, trace);
  const before = await sequences();
  // The other partition's reminder is for a command that will not be there.
  for (let key = 0; (await sequences())[before.indexOf(Math.min(...before))] === Math.min(...before); key++)
    await grid.actor(Alarm, `b${key}`).set('snooze', 3_600_000, trace);
  await grid.flush();
  await grid.close();
  rmSync(trace, { force: true });
  const error = await rejection(start('?without'));
  expect(isGridError(error, 'SCHEMA_VERSION'), String(error)).toBe(true);
  expect(existsSync(trace)).toBe(false);
});
