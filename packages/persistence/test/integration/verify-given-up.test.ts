/** A comparison whose asker goes away in the middle holds nothing back. */
import { MessageChannel } from 'node:worker_threads';
import { callControl, handOver, type VerifiedSide } from '@spacegrid/core';
import { expect, it } from 'vitest';
import { until } from '../../../../test/fixtures/until.ts';
import { DurablePartitions } from '../fixtures/durable-partitions.ts';
import { temporaryDirectory } from '../fixtures/temporary-directory.ts';

it('folds on after who compares it has gone while a fold was waited for', async () => {
  const store = await DurablePartitions.open(temporaryDirectory());
  store.turn(0, [['put', 'a', 'x'.repeat(1_000_000)]]);
  await store.control.flush();
  const { port1, port2 } = new MessageChannel();
  await store.control.verify(handOver(port2));
  const side = callControl<VerifiedSide>(port1);
  // It begins with a fold, and is given up before that has ended.
  side.begin(0).catch(() => undefined);
  port1.close();
  store.turn(0, [['put', 'b', 'y']]);
  await store.control.flush();
  const { foldLagBytes } = await until(
    'all folded',
    () => store.control.status(),
    (status) => status.foldLagBytes === 0,
  );
  expect(foldLagBytes).toBe(0);
  await store.close();
});
