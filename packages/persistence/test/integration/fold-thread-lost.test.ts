/** What is read back from rows whose thread has died. */
import { expect, it } from 'vitest';
import { until, within } from '../../../../test/fixtures/until.ts';
import { FoldHost } from '../../src/fold-host.ts';
import { Folder } from '../../src/folder.ts';
import { Incidents } from '../../src/incidents.ts';
import { Journal } from '../../src/journal.ts';
import { temporaryDirectory } from '../fixtures/temporary-directory.ts';

it('rows are read again after their thread has died while folds were held, though nothing is written', async () => {
  const directory = temporaryDirectory();
  const journal = new Journal(directory, { partitions: 1, hashSeed: 1 });
  const host = new FoldHost(directory, journal.identity);
  const folder = await Folder.open(journal, host, new Incidents());
  const letGo = await folder.hold();
  await host.terminate();
  const diedAt = performance.now();
  const reading = folder.readSome(0, { from: Uint8Array.of(1) });
  // Its restart, 50 ms after the death, comes to nothing while folds are held.
  await until(
    'the time of its restart',
    () => performance.now() - diedAt,
    (ms) => ms > 200,
  );
  letGo();
  expect(await within('rows', reading)).toMatchObject({ rows: 0 });
  await folder.close();
  journal.close();
});
