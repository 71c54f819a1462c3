/** References to actors, made for one thread. Their public face is `ActorRef`. */
import { inspect } from 'node:util';
import { isGridError } from '@spacegrid/core';
import type { ActorType, CompiledHandler } from '../define/actor-type.ts';
import type { AnyDefinition } from '../define/define-actor.ts';
import {
  call,
  type CallSettings,
  type CallTarget,
  createCallsWithMany,
  createTells,
  defaultSettings,
  settingsOf,
  TARGET,
} from './actor-calls.ts';
import { checkBatch } from './call-batch.ts';
import { callMany } from './call-many.ts';
import type { CallOptions, Pressure } from './call-options.ts';
import type { ClientThread } from './client-thread.ts';
import type { Lane } from './lane.ts';
import type { Peeks } from './peeks.ts';
import { routeOf } from './route.ts';
import { nameOf, unknownActor } from './unknown-actor.ts';
import type { WatchList } from './watch-list.ts';

export interface RefParts {
  readonly client: ClientThread;
  readonly peeks: Peeks;
  readonly watches: WatchList;
  readonly partitions: number;
  readonly workers: number;
  readonly hashSeed: number;
  readonly callTimeoutMs: number;
  /** False when there is no store that `durable` could mean. */
  readonly persistent: boolean;
}

type RefClass = new (target: Target) => object;

export class Refs {
  private readonly parts: RefParts;
  private readonly types: ReadonlyMap<string, ActorType>;
  private readonly settings: CallSettings;
  private readonly classes = new Map<ActorType, RefClass>();

  constructor(parts: RefParts, types: readonly ActorType[]) {
    this.parts = parts;
    this.types = new Map(types.map((type) => [type.name, type]));
    this.settings = defaultSettings(parts.callTimeoutMs);
  }

  ref(definition: AnyDefinition, key: string): object {
    const type = this.types.get(nameOf(definition));
    if (type === undefined) throw unknownActor(definition);
    let Ref = this.classes.get(type);
    if (Ref === undefined) {
      Ref = refClass(type);
      this.classes.set(type, Ref);
    }
    const { parts, settings } = this;
    const route = routeOf(type, key, parts.partitions, parts.hashSeed);
    return new Ref({ client: parts.client, parts, route, settings });
  }
}

function refClass(type: ActorType): RefClass {
  const queries = type.handlers.filter((handler) => !handler.command);
  const Peek = methodsClass(queries, (target: Target, handler, args) =>
    target.parts.peeks.peek(target.route, handler, args),
  );
  const PeekOrAsk = methodsClass(queries, peekOrAsk);
  const PeekMany = methodsClass(queries, (target: Target, handler, [lists]) => {
    checkBatch(`peekMany.${handler.name}`, lists);
    return target.parts.peeks.peekMany(target.route, handler, lists);
  });
  const Many = methodsClass(type.handlers, (target: CallTarget, handler, [lists]) => callMany(target, handler, lists));
  const many = (target: CallTarget): object => new Many(target);
  const Watch = methodsClass(queries, (target: Target, handler, args) =>
    target.parts.watches.watch(target.route, handler, args),
  );

  // Handlers may have any name that is not reserved: nothing of the reference itself may stand beside them by name.
  class Ref {
    readonly [TARGET]: Target;

    constructor(target: Target) {
      this[TARGET] = target;
    }
    get key(): string {
      return this[TARGET].route.key;
    }
    get peek(): object {
      return remember(this, 'peek', new Peek(this[TARGET]));
    }
    get peekOrAsk(): object {
      return remember(this, 'peekOrAsk', new PeekOrAsk(this[TARGET]));
    }
    get peekMany(): object {
      return remember(this, 'peekMany', new PeekMany(this[TARGET]));
    }
    get many(): object {
      return remember(this, 'many', many(this[TARGET]));
    }
    get watch(): object {
      return remember(this, 'watch', new Watch(this[TARGET]));
    }
    get tell(): object {
      return remember(this, 'tell', createTells(this[TARGET]));
    }
    with(options: CallOptions): object {
      const { client, parts, route, settings } = this[TARGET];
      return createCallsWithMany({ client, route, settings: settingsOf(options, settings, parts.persistent) }, many);
    }
    get pressure(): Pressure {
      const { client, parts, route } = this[TARGET];
      const lane = client.lanes[route.partition % parts.workers] as Lane;
      return {
        requests: client.calls.size,
        bytes: lane.requests.usedBytes(),
        capacityBytes: lane.requests.dataBytes,
      };
    }
    /** In a log: the actor, not the shared memory that it is reached through. */
    [inspect.custom](): string {
      const { type, key } = this[TARGET].route;
      return `ActorRef(${type.name}/${key})`;
    }
  }
  for (const handler of type.handlers) {
    Object.defineProperty(Ref.prototype, handler.name, {
      value(this: Ref, ...args: readonly unknown[]): Promise<unknown> {
        return call(this[TARGET], handler, args);
      },
    });
  }
  return Ref;
}

interface Target extends CallTarget {
  readonly parts: RefParts;
}

async function peekOrAsk(target: Target, handler: CompiledHandler, args: readonly unknown[]): Promise<unknown> {
  try {
    return target.parts.peeks.peek(target.route, handler, args);
  } catch (error) {
    if (
      isGridError(error, 'PEEK_BUSY') ||
      isGridError(error, 'PEEK_REVOKED') ||
      isGridError(error, 'PEEK_UNAVAILABLE')
    ) {
      return call(target, handler, args);
    }
    throw error;
  }
}

/** Makes a getter's value the object's own, so that it is made once. */
function remember(target: object, name: string, value: object): object {
  Object.defineProperty(target, name, { value });
  return value;
}

function methodsClass<T extends CallTarget>(
  handlers: readonly CompiledHandler[],
  invoke: (target: T, handler: CompiledHandler, args: readonly unknown[]) => unknown,
): new (
  target: T,
) => object {
  class Methods {
    readonly [TARGET]: T;
    constructor(target: T) {
      this[TARGET] = target;
    }
  }
  for (const handler of handlers) {
    Object.defineProperty(Methods.prototype, handler.name, {
      value(this: Methods, ...args: readonly unknown[]): unknown {
        return invoke(this[TARGET], handler, args);
      },
    });
  }
  return Methods;
}
