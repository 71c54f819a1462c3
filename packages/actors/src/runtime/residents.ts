/** The actors that a worker holds active, and its readers of those it need not activate for. */
import { ActivationFailedError, InvalidKeyError, KeyScratch } from '@spacegrid/core';
import { ACTIVATIONS, ERRORS, type ThreadCounters } from '../control/counters.ts';
import { PartitionSight } from '../state/read-sight.ts';
import { StateReader } from '../state/readable-state.ts';
import type { StateLayout } from '../state/state-layout.ts';
import { Activation } from './activation.ts';
import { ActivationTable } from './activation-table.ts';
import type { Partition } from './partition.ts';
import type { TurnServices } from './turn-services.ts';

export class Residents {
  readonly table: ActivationTable;
  private readonly services: TurnServices;
  private readonly counters: ThreadCounters;
  private readonly hashSeed: number;
  private readonly readers: (StateReader | undefined)[][];

  constructor(
    partitions: readonly (Partition | undefined)[],
    layouts: readonly StateLayout[],
    services: TurnServices,
    counters: ThreadCounters,
    hashSeed: number,
  ) {
    this.table = new ActivationTable();
    this.services = services;
    this.counters = counters;
    this.hashSeed = hashSeed;
    this.readers = partitions.map(() => new Array<StateReader | undefined>(layouts.length).fill(undefined));
  }

  /** The actor, made active where it is not. Throws InvalidKeyError, ActivationFailedError. */
  resident(
    partition: Partition,
    layout: StateLayout,
    hash: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
  ): Activation {
    const { type } = layout;
    let activation = this.table.find(type.index, hash, bytes, offset, length);
    if (activation === undefined) {
      if (length === 0) throw new InvalidKeyError('a key has at least one character');
      const own = bytes.slice(offset, offset + length);
      activation = new Activation(
        partition,
        layout,
        textOf(own, 0, length),
        { bytes: own, offset: 0, length, hash },
        this.services,
      );
      const { options } = type;
      if (options.onActivate !== undefined) {
        const reader = this.reader(partition, layout);
        reader.find(activation.key, activation.keyBytes);
        try {
          options.onActivate(reader.view as never);
        } catch (cause) {
          throw new ActivationFailedError(
            `${type.name} "${activation.key}" can't be activated: ${cause instanceof Error ? cause.message : String(cause)}`,
            { cause },
          );
        }
      }
      activation.usedAt = this.services.clock.now();
      this.table.add(activation);
      this.counters.set(ACTIVATIONS, this.table.size);
    }
    return activation;
  }

  /** Forgets an idle actor; its state stays. */
  passivate(activation: Activation): void {
    if (activation.busy || activation.queue.length > 0) return;
    const { options } = activation.layout.type;
    if (options.onPassivate !== undefined) {
      const reader = this.reader(activation.partition, activation.layout);
      reader.find(activation.key, activation.keyBytes);
      try {
        options.onPassivate(reader.view as never);
      } catch {
        // The actor is forgotten all the same; its state does not depend on the hook.
        this.counters.add(ERRORS, 1);
      }
    }
    activation.retire();
    this.table.remove(activation);
    this.counters.set(ACTIVATIONS, this.table.size);
  }

  /** When the next actor is idle for as long as its type allows; Infinity when none will be. Looks at every actor. */
  nextIdleAt(): number {
    let next = Number.POSITIVE_INFINITY;
    this.table.sweep(0, this.table.bucketCount, (activation) => {
      if (!activation.busy && activation.queue.length === 0)
        next = Math.min(next, activation.usedAt + activation.layout.type.idleMs + 1);
    });
    return next;
  }

  /** Lets go of all that waits for an actor, since another thread has taken over. */
  abandon(): void {
    this.table.sweep(0, this.table.bucketCount, (activation) => {
      activation.queue.length = 0;
    });
  }

  reader(partition: Partition, layout: StateLayout): StateReader {
    const readers = this.readers[partition.number] as (StateReader | undefined)[];
    const { index } = layout.type;
    let reader = readers[index];
    if (reader === undefined) {
      const sight = new PartitionSight(partition, this.services.clock, this.counters);
      reader = new StateReader(partition.heap, layout, new KeyScratch(this.hashSeed), sight);
      readers[index] = reader;
    }
    return reader;
  }
}

function textOf(bytes: Uint8Array, offset: number, length: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + offset, length).toString('utf8');
}
