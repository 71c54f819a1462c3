/** Waits until the turn of a receipt is at an ack level: asked of its partition, whose gate answers. */
import { InvalidArgumentError, InvalidOptionError } from '@spacegrid/core';
import { ACK_DURABLE, KIND_REACHED, packHead } from '../control/frames.ts';
import type { AckLevel } from '../define/define-actor.ts';
import { callWithSignal, checkWaitOptions } from './actor-calls.ts';
import type { Receipt, WaitOptions } from './call-options.ts';
import type { ClientThread } from './client-thread.ts';

const NO_KEY = { bytes: new Uint8Array(0), offset: 0, length: 0, hash: 0 };

const NO_RECEIPT: Receipt = { partition: -1, epoch: 0, sequence: 0 };

export interface ReachedParts {
  readonly client: ClientThread;
  readonly partitions: number;
  readonly callTimeoutMs: number;
  readonly persistent: boolean;
}

export async function reached(
  { client, partitions, callTimeoutMs, persistent }: ReachedParts,
  receipt: Receipt | undefined,
  level: AckLevel,
  options: WaitOptions,
): Promise<void> {
  const { partition, epoch, sequence } = receipt ?? NO_RECEIPT;
  if (!(partition >= 0 && partition < partitions) || !Number.isInteger(epoch) || !Number.isInteger(sequence))
    throw new InvalidArgumentError('reached takes a receipt: what a call with { receipt: true } answered');
  const timeoutMs = checkWaitOptions('reached', options);
  if (level === 'memory') return;
  if (level !== 'durable')
    throw new InvalidOptionError(`reached(receipt, '${level}'): on one node there are 'memory' and 'durable'`);
  if (!persistent)
    throw new InvalidOptionError("reached(receipt, 'durable'): the grid has no persistence, give createGrid one");
  const request = {
    partition,
    head: packHead(KIND_REACHED, ACK_DURABLE, 0, 0, 0),
    key: NO_KEY,
    args: [sequence, epoch],
    extra: undefined,
    timeoutMs: timeoutMs ?? callTimeoutMs,
    receipt: false,
    subject: undefined,
    handler: undefined,
  };
  if (options.signal === undefined) await client.call(request);
  else await callWithSignal(client, request, 'wait', options.signal);
}
