/**
 * Errors that callers are expected to meet. Each has a stable `code`; the table says what it means and what helps.
 */
export type Retry = 'never' | 'same-owner' | 'after-refresh';

export interface GridErrorOptions {
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

export abstract class GridError extends Error {
  abstract readonly code: string;
  abstract readonly retry: Retry;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(message: string, options: GridErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.details = options.details ?? {};
  }
}

/** True for an error of the grid, of any thread, and with `code`, of that kind. */
export function isGridError(error: unknown, code?: string): error is GridError {
  return error instanceof GridError && (code === undefined || error.code === code);
}

/** An option has a value that is not allowed. */
export class InvalidOptionError extends GridError {
  override readonly name: string = 'InvalidOptionError';
  readonly code = 'INVALID_OPTION';
  readonly retry = 'never';
}

/** An actor definition is not valid. */
export class InvalidDefinitionError extends GridError {
  override readonly name: string = 'InvalidDefinitionError';
  readonly code = 'INVALID_DEFINITION';
  readonly retry = 'never';
}

/** An argument of a call is not valid. */
export class InvalidArgumentError extends GridError {
  override readonly name: string = 'InvalidArgumentError';
  readonly code = 'INVALID_ARGUMENT';
  readonly retry = 'never';
}

/** A key is empty, longer than 1,024 bytes of UTF-8, or no well-formed text. */
export class InvalidKeyError extends GridError {
  override readonly name: string = 'InvalidKeyError';
  readonly code = 'INVALID_KEY';
  readonly retry = 'never';
}

/** A value can not travel or be stored. */
export class EncodeError extends GridError {
  override readonly name: string = 'EncodeError';
  readonly code = 'ENCODE';
  readonly retry = 'never';
}

/** Bytes are not a value of this format. */
export class DecodeError extends GridError {
  override readonly name: string = 'DecodeError';
  readonly code = 'DECODE';
  readonly retry = 'never';
}

/** A call or reply is larger than 16 MiB. */
export class MessageTooLargeError extends GridError {
  override readonly name: string = 'MessageTooLargeError';
  readonly code = 'MESSAGE_TOO_LARGE';
  readonly retry = 'never';
}

/** A turn changes more than fits one change set. */
export class ChangeSetTooLargeError extends GridError {
  override readonly name: string = 'ChangeSetTooLargeError';
  readonly code = 'CHANGE_SET_TOO_LARGE';
  readonly retry = 'never';
}

/** The memory budget is used up; the turn was undone. */
export class CapacityError extends GridError {
  override readonly name: string = 'CapacityError';
  readonly code = 'CAPACITY';
  readonly retry = 'never';
}

/** There is no room for the call. */
export class OverloadedError extends GridError {
  override readonly name: string = 'OverloadedError';
  readonly code = 'OVERLOADED';
  readonly retry = 'same-owner';
}

/** The call certainly did not run within its time. */
export class CallTimeoutError extends GridError {
  override readonly name: string = 'CallTimeoutError';
  readonly code = 'TIMEOUT';
  readonly retry = 'same-owner';
}

/** The call was given up by its signal and certainly did not run. */
export class AbortedError extends GridError {
  override readonly name: string = 'AbortedError';
  readonly code = 'ABORTED';
  readonly retry = 'never';
}

/** The call may have run. */
export class OutcomeUnknownError extends GridError {
  override readonly name: string = 'OutcomeUnknownError';
  readonly code = 'OUTCOME_UNKNOWN';
  readonly retry = 'never';
}

/** The call was started twice and its thread died both times. */
export class WorkerLostError extends GridError {
  override readonly name: string = 'WorkerLostError';
  readonly code = 'WORKER_LOST';
  readonly retry = 'same-owner';
}

/** The partition thread is not restarted any more. */
export class WorkerUnavailableError extends GridError {
  override readonly name: string = 'WorkerUnavailableError';
  readonly code = 'WORKER_UNAVAILABLE';
  readonly retry = 'after-refresh';
}

/** The actor was running in three deaths of its thread within a minute. */
export class ActorQuarantinedError extends GridError {
  override readonly name: string = 'ActorQuarantinedError';
  readonly code = 'ACTOR_QUARANTINED';
  readonly retry = 'after-refresh';
}

/** A handler that waits wrote outside turn.step. */
export class AsyncWriteError extends GridError {
  override readonly name: string = 'AsyncWriteError';
  readonly code = 'ASYNC_WRITE';
  readonly retry = 'never';
}

/** An actor called one that waits for it. */
export class CallCycleError extends GridError {
  override readonly name: string = 'CallCycleError';
  readonly code = 'CALL_CYCLE';
  readonly retry = 'never';
}

/** The grid is closing or closed. */
export class GridClosedError extends GridError {
  override readonly name: string = 'GridClosedError';
  readonly code = 'GRID_CLOSED';
  readonly retry = 'never';
}

/** The grid has no such actor definition. */
export class UnknownActorError extends GridError {
  override readonly name: string = 'UnknownActorError';
  readonly code = 'UNKNOWN_ACTOR';
  readonly retry = 'never';
}

/** The actor has no such command or query. */
export class UnknownMethodError extends GridError {
  override readonly name: string = 'UnknownMethodError';
  readonly code = 'UNKNOWN_METHOD';
  readonly retry = 'never';
}

/** CreateGrid was called while a grid thread loads the actors module. */
export class CreateInWorkerError extends GridError {
  override readonly name: string = 'CreateInWorkerError';
  readonly code = 'CREATE_IN_WORKER';
  readonly retry = 'never';
}

/** All client slots are taken. */
export class ClientsExhaustedError extends GridError {
  override readonly name: string = 'ClientsExhaustedError';
  readonly code = 'CLIENTS_EXHAUSTED';
  readonly retry = 'same-owner';
}

/** A peek found no quiet moment. */
export class PeekBusyError extends GridError {
  override readonly name: string = 'PeekBusyError';
  readonly code = 'PEEK_BUSY';
  readonly retry = 'same-owner';
}

/** What is peeked is not in memory. */
export class PeekUnavailableError extends GridError {
  override readonly name: string = 'PeekUnavailableError';
  readonly code = 'PEEK_UNAVAILABLE';
  readonly retry = 'same-owner';
}

/** A peek took too long and its memory was reused. */
export class PeekRevokedError extends GridError {
  override readonly name: string = 'PeekRevokedError';
  readonly code = 'PEEK_REVOKED';
  readonly retry = 'same-owner';
}

/** A query tried to write. */
export class ReadOnlyViewError extends GridError {
  override readonly name: string = 'ReadOnlyViewError';
  readonly code = 'READ_ONLY_VIEW';
  readonly retry = 'never';
}

/** A handler threw something that is no Error. */
export class HandlerError extends GridError {
  override readonly name: string = 'HandlerError';
  readonly code = 'HANDLER';
  readonly retry = 'never';
}

/** Stored state has a shape that the code does not know. */
export class SchemaVersionError extends GridError {
  override readonly name: string = 'SchemaVersionError';
  readonly code = 'SCHEMA_VERSION';
  readonly retry = 'never';
}

/** Another process uses the directory. */
export class StoreLockedError extends GridError {
  override readonly name: string = 'StoreLockedError';
  readonly code = 'STORE_LOCKED';
  readonly retry = 'after-refresh';
}

/** The store belongs to another grid. */
export class StoreIdentityError extends GridError {
  override readonly name: string = 'StoreIdentityError';
  readonly code = 'STORE_IDENTITY';
  readonly retry = 'never';
}

/** Stored bytes fail their checksum. */
export class StoreCorruptError extends GridError {
  override readonly name: string = 'StoreCorruptError';
  readonly code = 'STORE_CORRUPT';
  readonly retry = 'never';
}

/** The disk is full; everything is kept in memory. */
export class StorageFullError extends GridError {
  override readonly name: string = 'StorageFullError';
  readonly code = 'STORAGE_FULL';
  readonly retry = 'same-owner';
}

/** The disk fails. */
export class StorageFailedError extends GridError {
  override readonly name: string = 'StorageFailedError';
  readonly code = 'STORAGE_FAILED';
  readonly retry = 'never';
}

/** OnActivate threw. */
export class ActivationFailedError extends GridError {
  override readonly name: string = 'ActivationFailedError';
  readonly code = 'ACTIVATION_FAILED';
  readonly retry = 'same-owner';
}
