/**
 * Requests of a thread that wait for room in their rings, in order for each worker: the other workers' go on. Bounded; a call
 * that is given up leaves at once.
 */
import { OverloadedError } from '@spacegrid/core';
import { isCall, type Request } from './request.ts';

/** Most requests that wait. */
const WAITING_MAX = 100_000;

interface Place {
  readonly number: number;
  readonly worker: number;
  /** Undefined when the call was given up. */
  request: Request | undefined;
}

interface Queue {
  readonly places: Place[];
  /** How many of them are of calls that were given up. */
  givenUp: number;
}

export class WaitingRoom {
  /** Requests that wait, for all workers. */
  size: number;
  private readonly queues: readonly Queue[];
  /** The calls among them, by number. */
  private readonly calls: Map<number, Place>;

  constructor(workers: number) {
    this.size = 0;
    this.queues = Array.from({ length: workers }, () => ({ places: [], givenUp: 0 }));
    this.calls = new Map();
  }

  /** True when a request may be written at once: nothing older waits for this worker. */
  isEmpty(worker: number): boolean {
    return (this.queues[worker] as Queue).places.length === 0;
  }

  /** Throws OverloadedError when too many wait. */
  add(worker: number, number: number, request: Request): void {
    if (this.size >= WAITING_MAX)
      throw new OverloadedError(`${WAITING_MAX} calls of this thread wait for room: await some before making more`);
    const place = { number, worker, request };
    (this.queues[worker] as Queue).places.push(place);
    if (isCall(request.head)) this.calls.set(number, place);
    this.size++;
  }

  /** Takes a call out. False when it does not wait here. */
  giveUp(number: number): boolean {
    const place = this.calls.get(number);
    if (place === undefined) return false;
    place.request = undefined;
    this.calls.delete(number);
    this.size--;
    // Its place stays until those before it are sent: taking each out by itself would move all behind it.
    const queue = this.queues[place.worker] as Queue;
    const { places } = queue;
    // Bound: at most half of the places are of calls that were given up.
    if (++queue.givenUp * 2 < places.length) return true;
    let kept = 0;
    for (const other of places) if (other.request !== undefined) places[kept++] = other;
    places.length = kept;
    queue.givenUp = 0;
    return true;
  }

  /** Lets those go that `send` sends, in order, until it answers false for want of room. */
  sendAll(send: (number: number, request: Request) => boolean): void {
    for (const queue of this.queues) {
      const { places } = queue;
      let passed = 0;
      for (const { number, request } of places) {
        if (request === undefined) {
          queue.givenUp--;
        } else {
          if (!send(number, request)) break;
          if (isCall(request.head)) this.calls.delete(number);
          this.size--;
        }
        passed++;
      }
      if (passed > 0) places.splice(0, passed);
    }
  }

  clear(): void {
    for (const queue of this.queues) {
      queue.places.length = 0;
      queue.givenUp = 0;
    }
    this.calls.clear();
    this.size = 0;
  }
}
