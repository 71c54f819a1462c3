/**
 * The requests of a worker that are not through: where each stands, in its ring or kept in the heap (a *lane* is a client's ring,
 * or the one that stands for all kept requests), and when it may be finished there.
 */
import { START_CANCELLED } from '@spacegrid/core';
import type { KeptRequests } from './kept-requests.ts';
import type { Partition, WaitingRequest } from './partition.ts';
import type { RequestFrame } from './request-frame.ts';
import { tellerOf } from './requester.ts';
import { idOf } from './step-table.ts';

export class RequestLedger {
  /** Stands for a client where a request is none of a ring but a kept one. */
  readonly keptLane: number;
  private readonly frames: readonly RequestFrame[];
  private readonly kept: KeptRequests;
  private readonly partitions: readonly (Partition | undefined)[];
  private readonly consumed: Set<string>;
  /** Commands with steps that a predecessor left half done: committed steps by client and number. */
  private readonly interrupted: Map<string, number>;
  /** Requests that are answered by a reply which is not published yet, by client: finished then. */
  private readonly unfinished: number[][];
  private answeredCount: number;
  /** Requests that wait or run long, by client, oldest first. */
  private readonly held: Set<WaitingRequest>[];

  /** @param frames one for each client slot. */
  constructor(frames: readonly RequestFrame[], kept: KeptRequests, partitions: readonly (Partition | undefined)[]) {
    this.keptLane = frames.length;
    this.frames = frames;
    this.kept = kept;
    this.partitions = partitions;
    this.consumed = new Set();
    this.interrupted = new Map();
    this.unfinished = Array.from({ length: frames.length + 1 }, () => []);
    this.answeredCount = 0;
    this.held = frames.map(() => new Set());
  }

  /** The request, bound to the one reader of its lane. */
  at(client: number, frame: number): RequestFrame {
    return client === this.keptLane ? this.kept.at(frame) : (this.frames[client] as RequestFrame).at(frame);
  }

  /** The client that a request in a lane is of. */
  ownerOf(lane: number, frame: number): number {
    return lane === this.keptLane ? this.kept.clientOf(frame) : lane;
  }

  /** Notes a request that waits or runs long: it may be kept aside meanwhile. */
  hold(client: number, frame: number): WaitingRequest {
    const waiting = { client, frame };
    this.holdWaiting(waiting);
    return waiting;
  }

  holdWaiting(waiting: WaitingRequest): void {
    if (waiting.client !== this.keptLane) (this.held[waiting.client] as Set<WaitingRequest>).add(waiting);
  }

  /** It waits no more. */
  letGo(waiting: WaitingRequest): void {
    if (waiting.client !== this.keptLane) (this.held[waiting.client] as Set<WaitingRequest>).delete(waiting);
  }

  /** It is finished once the reply that answers it is published. */
  finishLater(client: number, frame: number): void {
    (this.unfinished[client] as number[]).push(frame);
    this.answeredCount++;
  }

  /** A predecessor has committed it. */
  isConsumed(client: number, frame: number, request: RequestFrame): boolean {
    return this.consumed.size > 0 && this.consumed.has(idOf(this.requesterOf(client, frame, request), request.number));
  }

  /** Steps that a predecessor committed of a command and died; undefined for all others. */
  stepsOf(client: number, frame: number, request: RequestFrame): number | undefined {
    if (this.interrupted.size === 0) return undefined;
    return this.interrupted.get(idOf(this.requesterOf(client, frame, request), request.number));
  }

  /** For whom it runs: see requester.ts. */
  requesterOf(lane: number, frame: number, request: RequestFrame): number {
    const client = this.ownerOf(lane, frame);
    return request.isTell ? tellerOf(client) : client;
  }

  /** A predecessor committed this request: when it comes out of its ring, it is only finished. */
  noteConsumed(client: number, number: number): void {
    this.consumed.add(idOf(client, number));
  }

  /** A predecessor committed steps of these commands and died: they are not run again. */
  noteInterrupted(steps: ReadonlyMap<string, number>): void {
    for (const [id, count] of steps) this.interrupted.set(id, count);
  }

  /** All requests from before this thread have come out of their rings. */
  forgetConsumed(): void {
    this.consumed.clear();
    this.interrupted.clear();
  }

  /**
   * After replies were published: ends the requests that they answered. Until then a death of this thread makes its successor
   * answer them again, since nothing else keeps the answers of queries and refusals.
   */
  finishAnswered(isBlocked: (client: number) => boolean): void {
    if (this.answeredCount === 0) return;
    for (let client = 0; client < this.keptLane; client++) {
      const frames = this.unfinished[client] as number[];
      if (frames.length === 0 || isBlocked(client)) continue;
      for (const frame of frames) this.at(client, frame).ring.finish(frame);
      this.answeredCount -= frames.length;
      frames.length = 0;
    }
    // Kept requests are of many clients.
    const kept = this.unfinished[this.keptLane] as number[];
    if (kept.length === 0) return;
    const held: number[] = [];
    for (const number of kept) {
      if (isBlocked(this.kept.clientOf(number))) held.push(number);
      else this.at(this.keptLane, number).ring.finish(number);
    }
    this.answeredCount -= kept.length - held.length;
    this.unfinished[this.keptLane] = held;
  }

  /** True while replies that answer requests are not published. */
  get hasUnfinished(): boolean {
    return this.answeredCount > 0;
  }

  /**
   * Takes requests of a client that wait out of its ring, where they keep the room of all that came after them. True when
   * there were any.
   */
  keepAside(client: number): boolean {
    const { kept, partitions } = this;
    let any = false;
    for (const waiting of this.held[client] as Set<WaitingRequest>) {
      const request = this.at(client, waiting.frame);
      const { ring } = request;
      const partition = partitions[request.partition] as Partition;
      const starts = ring.startsOf(waiting.frame);
      // Taken back by its caller: it ends when its turn comes. Once it is marked as started, that can't happen any more.
      if (starts === START_CANCELLED || (starts === 0 && ring.start(waiting.frame) === START_CANCELLED)) continue;
      const number = kept.keep(partition, client, this.requesterOf(client, waiting.frame, request), request, starts);
      if (number < 0) break;
      ring.finish(waiting.frame);
      this.letGo(waiting);
      waiting.client = this.keptLane;
      waiting.frame = number;
      any = true;
    }
    return any;
  }

  /** Ends a request that needs no answer. */
  drop(frame: number, request: RequestFrame): void {
    request.ring.start(frame);
    request.ring.finish(frame);
  }
}
