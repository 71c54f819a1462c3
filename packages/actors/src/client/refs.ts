/** References to actors, made for one thread. Their public face is `ActorRef`. */
import { isGridError, UnknownActorError } from '@spacegrid/core';
import type { ActorType, CompiledHandler } from '../define/actor-type.ts';
import type { AnyDefinition } from '../define/define-actor.ts';
import {
  call,
  type CallSettings,
  type CallTarget,
  createCalls,
  createTells,
  defaultSettings,
  settingsOf,
} from './actor-calls.ts';
import type { CallOptions, Pressure } from './call-options.ts';
import type { ClientThread, Lane } from './client-thread.ts';
import type { Peeks } from './peeks.ts';
import { type Route, routeOf } from './route.ts';
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

type RefClass = new (parts: RefParts, route: Route, settings: CallSettings) => object;

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
    const type = this.types.get(definition.name);
    if (type === undefined)
      throw new UnknownActorError(`no actor is named ${definition.name}: export it from the actors module`);
    let Ref = this.classes.get(type);
    if (Ref === undefined) {
      Ref = refClass(type);
      this.classes.set(type, Ref);
    }
    return new Ref(this.parts, routeOf(type, key, this.parts.partitions, this.parts.hashSeed), this.settings);
  }
}

function refClass(type: ActorType): RefClass {
  const queries = type.handlers.filter((handler) => !handler.command);
  const Peek = methodsClass(queries, (target, handler, args) => target.parts.peeks.peek(target.route, handler, args));
  const PeekOrAsk = methodsClass(queries, peekOrAsk);
  const Watch = methodsClass(queries, (target, handler, args) =>
    target.parts.watches.watch(target.route, handler, args),
  );

  class Ref implements CallTarget {
    readonly parts: RefParts;
    readonly route: Route;
    readonly settings: CallSettings;

    constructor(parts: RefParts, route: Route, settings: CallSettings) {
      this.parts = parts;
      this.route = route;
      this.settings = settings;
    }
    get client(): ClientThread {
      return this.parts.client;
    }
    get key(): string {
      return this.route.key;
    }
    get peek(): object {
      return remember(this, 'peek', new Peek(this));
    }
    get peekOrAsk(): object {
      return remember(this, 'peekOrAsk', new PeekOrAsk(this));
    }
    get watch(): object {
      return remember(this, 'watch', new Watch(this));
    }
    get tell(): object {
      return remember(this, 'tell', createTells(this));
    }
    with(options: CallOptions): object {
      return createCalls({
        client: this.client,
        route: this.route,
        settings: settingsOf(options, this.settings, this.parts.persistent),
      });
    }
    get pressure(): Pressure {
      const lane = this.client.lanes[this.route.partition % this.parts.workers] as Lane;
      return {
        requests: this.client.calls.size,
        bytes: lane.requests.usedBytes(),
        capacityBytes: lane.requests.dataBytes,
      };
    }
  }
  for (const handler of type.handlers) {
    Object.defineProperty(Ref.prototype, handler.name, {
      value(this: Ref, ...args: readonly unknown[]): Promise<unknown> {
        return call(this, handler, args);
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

function methodsClass(
  handlers: readonly CompiledHandler[],
  invoke: (target: Target, handler: CompiledHandler, args: readonly unknown[]) => unknown,
): new (
  target: Target,
) => object {
  class Methods {
    readonly target: Target;
    constructor(target: Target) {
      this.target = target;
    }
  }
  for (const handler of handlers) {
    Object.defineProperty(Methods.prototype, handler.name, {
      value(this: Methods, ...args: readonly unknown[]): unknown {
        return invoke(this.target, handler, args);
      },
    });
  }
  return Methods;
}
