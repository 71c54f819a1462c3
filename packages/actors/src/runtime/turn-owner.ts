/** What a turn object needs of the actor whose turns it stands for. */
import type { StateLayout, StructureSlot } from '../state/state-layout.ts';
import type { OpenActor, Partition } from './partition.ts';

export interface TurnOwner extends OpenActor {
  readonly key: string;
  readonly name: string;
  readonly state: object;
  readonly layout: StateLayout;
  readonly partition: Partition;
  /** The actors that wait for the running command, outermost first. */
  readonly path: readonly string[];
  assertWritable(): void;
  /** Removes the actor; `retire` frees each of its structures. */
  forget(retire: (slot: StructureSlot, header: number) => void): void;
}
