/** What every client thread of a grid has: rings, pump, peeks, watches, references. */
import { ControlBlock } from '../control/control-block.ts';
import type { ActorType } from '../define/actor-type.ts';
import type { AckLevel, AnyDefinition } from '../define/define-actor.ts';
import { layoutOf } from '../state/state-layout.ts';
import type { GridMemory } from '../control/grid-memory.ts';
import { machine, type Surroundings } from '../control/surroundings.ts';
import type { ActorRef } from './actor-ref.ts';
import type { Receipt, WaitOptions } from './call-options.ts';
import { ClientPump, type Pump } from './client-pump.ts';
import { ClientThread } from './client-thread.ts';
import { Peeks } from './peeks.ts';
import { type ReachedParts, reached } from './reached.ts';
import { Refs } from './refs.ts';
import { WatchList } from './watch-list.ts';

export interface LocalSettings {
  readonly hashSeed: number;
  readonly callTimeoutMs: number;
  readonly persistent: boolean;
}

type StartPump = (client: ClientThread, control: ControlBlock) => Pump;

export class LocalClient {
  readonly control: ControlBlock;
  readonly thread: ClientThread;
  private readonly pump: Pump;
  private readonly refs: Refs;
  private readonly watches: WatchList;
  private readonly peeks: Peeks;
  private readonly waits: ReachedParts;

  constructor(
    memory: GridMemory,
    settings: LocalSettings,
    types: readonly ActorType[],
    slot: number,
    surroundings: Surroundings = machine,
    startPump: StartPump = (client, control) => new ClientPump(client, control),
  ) {
    this.control = new ControlBlock(memory.control, memory.shape);
    this.control.activateClient(slot);
    this.thread = new ClientThread(memory, this.control, slot, surroundings);
    this.peeks = new Peeks(
      memory.heaps,
      types.map(layoutOf),
      slot,
      settings.hashSeed,
      this.thread.counters,
      surroundings.clock,
    );
    this.watches = new WatchList(this.thread, memory.shape.workers, (worker) => this.control.incarnation(worker));
    this.waits = {
      client: this.thread,
      partitions: memory.shape.partitions,
      callTimeoutMs: settings.callTimeoutMs,
      persistent: settings.persistent,
    };
    this.refs = new Refs(
      {
        ...this.waits,
        peeks: this.peeks,
        watches: this.watches,
        workers: memory.shape.workers,
        hashSeed: settings.hashSeed,
      },
      types,
    );
    this.pump = startPump(this.thread, this.control);
    this.pump.onTick = () => {
      if (this.watches.size > 0) this.watches.refresh();
    };
  }

  actor<D extends AnyDefinition>(definition: D, key: string): ActorRef<D> {
    return this.refs.ref(definition, key) as ActorRef<D>;
  }

  reached(receipt: Receipt, level: AckLevel, options: WaitOptions = {}): Promise<void> {
    return reached(this.waits, receipt, level, options);
  }

  close(): void {
    this.watches.close();
    this.peeks.close();
    this.thread.close();
    this.pump.stop();
  }
}
