export { AssertionFailed, assert } from './assert.ts';
export {
  CHANGE_CLEAR_PREFIX,
  CHANGE_DELETE,
  CHANGE_PUT,
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
  BackupResult,
  DurabilityControl,
  DurabilityHealth,
  DurabilityIncident,
  DurabilityOpened,
  DurabilityStatus,
  DurabilityThreadData,
  DurablePosition,
  GridIdentity,
  Persistence,
  QuarantinedRow,
  RecoveryChunk,
  RecoveryCredit,
  RecoveryEnd,
  RecoveryRows,
} from './contracts/durability.ts';
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
  CallCycleError,
  CallTimeoutError,
  CapacityError,
  ChangeSetTooLargeError,
  ClientGoneError,
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
  WorkerLostError,
  WorkerUnavailableError,
} from './errors/grid-errors.ts';
export { digest64, loadDigest64 } from './hash/digest64.ts';
export { hashString } from './hash/hash-string.ts';
export { encodeKey, KEY_BYTES_MAX, type KeyBytes, KeyScratch } from './hash/key-bytes.ts';
export { partitionOf } from './hash/partition-of.ts';
export { xxh32 } from './hash/xxh32.ts';
export { nearMatch } from './options/near-match.ts';
export { integerOption, type Range, realOption } from './options/number-option.ts';
export { customOption, defaultTo, type Fallback, type OptionKind, optional, REFUSED } from './options/option-kind.ts';
export { callbackOption, flagOption, oneOfOption, portOption, textOption } from './options/plain-option.ts';
export {
  type Contradiction,
  groupOption,
  type OptionShape,
  type Resolved,
  resolveOptions,
} from './options/resolve-options.ts';
export { durationOption, sizeOption } from './options/unit-option.ts';
