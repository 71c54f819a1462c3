export { BatchFailedError, GridError, isGridError } from '@spacegrid/core';
export type {
  ActorBatches,
  ActorPeekBatches,
  ActorQueries,
  ActorReceipts,
  ActorRef,
  ActorWatches,
  RefMembers,
  WatchEvent,
} from './client/actor-ref.ts';
export { attachGrid } from './client/attach-grid.ts';
export type { CallOptions, Pressure, Receipt, Receipted, WaitOptions } from './client/call-options.ts';
export { createGrid } from './client/create-grid.ts';
export type { Grid, GridClient, GridHandle } from './client/grid.ts';
export type { AskTimes } from './client/ask-times.ts';
export { ASK_BOUNDS_MICROS } from './client/ask-times.ts';
export type { ClientStats, GridHealth, GridStats, PartitionStats, WorkerStats } from './client/grid-stats.ts';
export {
  type AckLevel,
  type ActorCalls,
  type ActorDefinition,
  type ActorOptions,
  type ActorPeeks,
  type ActorSends,
  type ActorSpec,
  type AnyDefinition,
  defineActor,
  type Turn,
  type View,
  type WhenIdle,
} from './define/define-actor.ts';
export type { EntryOptions, EvictOptions, MapOptions } from './define/map-policy.ts';
export { defineTask, type OffloadTask } from './define/offload-task.ts';
export {
  i32,
  map,
  type MapField,
  packed,
  ranking,
  type RankingField,
  type RankingOrder,
  type RankingTies,
  type ScalarField,
  text,
  u32,
} from './define/state-fields.ts';
export type { MapTurn, MapView, RankingEntry, RankingTurn, RankingView } from './define/state-views.ts';
export type { GridOptions } from './supervise/grid-options.ts';
export {
  type BlockedEvent,
  GRID_CHANNEL,
  type GridEvent,
  type QuarantineEvent,
  type RecoveryEvent,
  type UnheardEvent,
} from './supervise/grid-events.ts';
export type {
  SideCondition,
  VerifyDifference,
  VerifyOptions,
  VerifyOutcome,
  VerifyReport,
  VerifyStats,
} from './verify/verify-report.ts';
