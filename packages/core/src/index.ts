export { AssertionFailed, assert } from './assert.ts';
export {
  CHANGE_CLEAR_PREFIX,
  CHANGE_DELETE,
  CHANGE_PUT,
  CHANGE_SET_VERSION,
  ChangeCursor,
  type ChangeKind,
  ChangeSetWriter,
  type ChangeVisitor,
  forEachChange,
} from './changes/change-set.ts';
export { checksum32 } from './changes/checksum.ts';
export type { Cancel, Clock } from './clock/clock.ts';
export { FakeClock } from './clock/fake-clock.ts';
export { systemClock } from './clock/system-clock.ts';
export { PackReader } from './codec/pack-reader.ts';
export { PackOverflow, PackWriter } from './codec/pack-writer.ts';
export { decodeValue, readValue } from './codec/read-value.ts';
export {
  BIGINT_BYTES_MAX,
  VALUE_BYTES_MAX,
  VALUE_DEPTH_MAX,
  VALUE_ITEMS_MAX,
  VALUE_ITEMS_TOTAL_MAX,
} from './codec/value-limits.ts';
export { encodeValue, writeValue } from './codec/write-value.ts';
export type {
  BacklogBounds,
  BackupResult,
  DurabilityControl,
  DurabilityHealth,
  DurabilityIncident,
  DurabilityOpened,
  DurabilityStatus,
  DurabilityThreadData,
  DurablePosition,
  FoldRequest,
  GridIdentity,
  Persistence,
  QuarantinedRow,
  RecoveryChunk,
  RecoveryCredit,
  RecoveryEnd,
  RecoveryRows,
  RowsAnswer,
  RowsQuestion,
} from './contracts/durability.ts';
export {
  type DamagedBatch,
  type DamagedRow,
  type SequenceWindow,
  type SideDigests,
  type SideMending,
  type SideScan,
  type SideState,
  type StatesQuestion,
  VERIFIED_KEYS_MAX,
  type VerifiedSide,
} from './contracts/verification.ts';
export { callControl, type ControlApi, handOver, serveControl } from './control/comlink-port.ts';
export { type LogFields, type Logger, silentLogger } from './contracts/logger.ts';
export { decodeError, encodeError } from './errors/error-bytes.ts';
export { type ErrorCode, type ErrorEntry, errorTable, type Retry } from './errors/error-table.ts';
export { type ErrorDetails, GridError, type GridErrorOptions, isGridError } from './errors/grid-error.ts';
export {
  AbortedError,
  ActivationFailedError,
  ActorQuarantinedError,
  AsyncQueryError,
  AsyncWriteError,
  BackupFailedError,
  BatchFailedError,
  CallCycleError,
  CallTimeoutError,
  CapacityError,
  ChangeSetTooLargeError,
  ClientsExhaustedError,
  CreateInWorkerError,
  DecodeError,
  DurabilityUnavailableError,
  EncodeError,
  GridClosedError,
  HandlerError,
  InvalidArgumentError,
  InvalidDefinitionError,
  InvalidKeyError,
  InvalidOptionError,
  MessageTooLargeError,
  OffloadFailedError,
  OnceConflictError,
  OutcomeUnknownError,
  OverloadedError,
  PeekBusyError,
  PeekRevokedError,
  PeekUnavailableError,
  ReadOnlyViewError,
  SchemaVersionError,
  StartFailedError,
  StorageFailedError,
  StorageFullError,
  StoreCorruptError,
  StoreIdentityError,
  StoreLockedError,
  UnknownActorError,
  UnknownMethodError,
  UnsettledError,
  VerifyFailedError,
  VerifyRunningError,
  WorkerLostError,
  WorkerUnavailableError,
} from './errors/grid-errors.ts';
export { digest64, loadDigest64 } from './hash/digest64.ts';
export { encodeKey, KEY_BYTES_MAX, type KeyBytes, KeyScratch } from './hash/key-bytes.ts';
export { KeyRound } from './hash/key-round.ts';
export { partitionOf } from './hash/partition-of.ts';
export { xxh32 } from './hash/xxh32.ts';
export { integerOption, type Range } from './options/number-option.ts';
export { customOption, defaultTo, type Fallback, type OptionKind, optional, REFUSED } from './options/option-kind.ts';
export { oneOfOption, portOption, textOption } from './options/plain-option.ts';
export { type Contradiction, type OptionShape, type Resolved, resolveOptions } from './options/resolve-options.ts';
export { durationOption, sizeOption } from './options/unit-option.ts';
export { createHeapBuffer, type HeapOptions } from './memory/heap-layout.ts';
export { Heap, type HeapLimits } from './memory/heap.ts';
export {
  ENTRY_ANSWERED,
  ENTRY_CHANGE_BYTES,
  ENTRY_CLIENT,
  ENTRY_FLAGS,
  ENTRY_REPLY_BYTES,
  ENTRY_REQUEST,
  ENTRY_WORDS,
  entrySequence,
  OutboxReader,
  OutboxWriter,
  padWords,
} from './memory/outbox.ts';
export { ReaderPin, releasePin } from './memory/pins.ts';
export { SharedWords } from './memory/shared-words.ts';
export { StaleReadError } from './memory/stale-read-error.ts';
export {
  durableSequence,
  foldedSequence,
  hasGateWaiters,
  storeAnswered,
  storeDurableSequence,
  storeFoldedSequence,
  storeGateWaiters,
  unansweredTurns,
} from './memory/watermark.ts';
export { BulkConsumer, BulkProducer, createBulkBuffer, MESSAGE_BYTES_MAX_DEFAULT } from './messages/bulk-region.ts';
export { Doorbell } from './messages/doorbell.ts';
export { defaultSpinMicros } from './messages/spin-time.ts';
export { RingConsumer, START_CANCELLED } from './messages/ring-consumer.ts';
export { BULK_REFERENCE_BYTES, ringRegionBytes, STARTS_MAX } from './messages/ring-layout.ts';
export { RingPressure } from './messages/ring-pressure.ts';
export { RingProducer } from './messages/ring-producer.ts';
export { IndexScan } from './structures/hash-index/index-scan.ts';
export { TolerantScan } from './structures/hash-index/tolerant-scan.ts';
export { type AccessStamps, frequencyStamps, recencyStamps } from './structures/hot-map/access-stamps.ts';
export { damageOfRecord, mayBeMap, recoverReference } from './structures/hot-map/check-record.ts';
export { EntryLife } from './structures/hot-map/entry-life.ts';
export { EvictionPool } from './structures/hot-map/eviction-pool.ts';
export { HotMap } from './structures/hot-map/hot-map.ts';
export { RecordDraft } from './structures/hot-map/record-draft.ts';
export {
  readBool,
  readByteLength,
  readByteOffset,
  readF64,
  readI32,
  readText,
  readU32,
} from './structures/hot-map/record-fields.ts';
export { initialValue, readField } from './structures/hot-map/record-objects.ts';
export {
  type FieldDescription,
  type FieldKind,
  type RecordExtras,
  type RecordField,
  RecordShape,
} from './structures/hot-map/record-shape.ts';
export { deleteTimed, mendTimed, putTimed } from './structures/hot-map/timed-records.ts';
export { OWNER_MAP, OWNER_WORDS } from './structures/timer-wheel/timed-owner.ts';
export { NODE_OWNER, unlinkNode } from './structures/timer-wheel/timer-node.ts';
export { TICK_MS, TimerWheel } from './structures/timer-wheel/timer-wheel.ts';
export { HotRanking } from './structures/hot-ranking/hot-ranking.ts';
export { type MendedMember, RankingMend } from './structures/hot-ranking/mend-ranking.ts';
export { RankingBuilder } from './structures/hot-ranking/ranking-builder.ts';
export { type CheckCursor, damageMet, mayBeRanking, RankingCheck } from './structures/hot-ranking/ranking-check.ts';
export { RankingReader } from './structures/hot-ranking/ranking-reader.ts';
export { rowKeyHash, rowValueHash } from './verify/row-hash.ts';
export { differingKeys, ROW_RANGES, RowPairs } from './verify/row-pairs.ts';
