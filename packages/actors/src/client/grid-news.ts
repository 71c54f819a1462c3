/**
 * What the supervisor tells the thread that created the grid: logged, published on the diagnostics channel, and the last
 * blocked handlers kept for `stats()`.
 */
import { channel } from 'node:diagnostics_channel';
import type { Logger } from '@spacegrid/core';
import type { ActorType } from '../define/actor-type.ts';
import { type BlockedEvent, GRID_CHANNEL, type GridEvent } from '../supervise/grid-events.ts';
import type { SupervisorNews } from '../supervise/supervisor-api.ts';

const BLOCKED_KEPT_MAX = 20;
const events = channel(GRID_CHANNEL);

export class GridNews {
  /** The last ones, oldest first. */
  readonly blocked: BlockedEvent[] = [];
  private readonly types: readonly ActorType[];
  private readonly logger: Logger;

  constructor(types: readonly ActorType[], logger: Logger) {
    this.types = types;
    this.logger = logger;
  }

  take(news: SupervisorNews): void {
    const event = this.named(news);
    if (event.kind === 'blocked') {
      this.blocked.push(event);
      if (this.blocked.length > BLOCKED_KEPT_MAX) this.blocked.shift();
    }
    this.log(event);
    events.publish(event);
  }

  private named(news: SupervisorNews): GridEvent {
    if ('cause' in news || news.kind === 'unheard') return news;
    const type = this.types[news.type];
    const actor = type?.name ?? `type ${news.type}`;
    const { worker, partition } = news;
    if (news.kind === 'quarantine') return { kind: 'quarantine', worker, actor, partition, seenAt: news.seenAt };
    const method = type?.handlers[news.handler]?.name ?? `handler ${news.handler}`;
    const { key, blockedMs } = news;
    return { kind: 'blocked', worker, actor, key, method, partition, seenAt: Date.now(), blockedMs };
  }

  private log(event: GridEvent): void {
    const { logger } = this;
    const fields = { ...event };
    switch (event.kind) {
      case 'blocked':
        logger.warn(
          `${event.actor} "${event.key}".${event.method} has kept worker ${event.worker} for ${event.blockedMs} ms: nothing else of its partitions runs`,
          fields,
        );
        break;
      case 'quarantine':
        logger.error(`an actor ${event.actor} was running in three deaths of its thread: it is set aside`, fields);
        break;
      case 'unheard': {
        const more = event.omitted === 0 ? '' : `; so did ${event.omitted} before it`;
        logger.error(`${event.command} failed, and nobody waits for its answer: ${event.reason}${more}`, fields);
        break;
      }
      default: {
        const thread = event.kind === 'worker' ? `worker ${event.thread}` : 'the durability thread';
        if (event.recoveredAfterMs < 0) logger.error(`${thread} died and is not back: ${event.cause}`, fields);
        else logger.warn(`${thread} died (${event.cause}) and was replaced in ${event.recoveredAfterMs} ms`, fields);
      }
    }
  }
}
