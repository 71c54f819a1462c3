/**
 * One class for each code of error-table.ts, which says what each means and what helps. All are built alike, from a message
 * and `{ details, cause }`, so that any of them can be rebuilt on another thread; what a class adds is read from `details`.
 */
import { type ErrorCode, errorTable } from './error-table.ts';
import { GridError, type GridErrorOptions } from './grid-error.ts';

export type GridErrorClass = new (message: string, options?: GridErrorOptions) => GridError;

/** ABORTED */
export class AbortedError extends GridError {
  constructor(message: string, options?: GridErrorOptions) {
    super('ABORTED', message, options);
  }
}

/** ACTIVATION_FAILED */
export class ActivationFailedError extends GridError {
  constructor(message: string, options?: GridErrorOptions) {
    super('ACTIVATION_FAILED', message, options);
  }
}

/** ACTOR_QUARANTINED */
export class ActorQuarantinedError extends GridError {
  constructor(message: string, options?: GridErrorOptions) {
    super('ACTOR_QUARANTINED', message, options);
  }
}

/** ASYNC_QUERY */
export class AsyncQueryError extends GridError {
  constructor(message: string, options?: GridErrorOptions) {
    super('ASYNC_QUERY', message, options);
  }
}

/** ASYNC_WRITE */
export class AsyncWriteError extends GridError {
  constructor(message: string, options?: GridErrorOptions) {
    super('ASYNC_WRITE', message, options);
  }
}

/** BACKUP_FAILED */
export class BackupFailedError extends GridError {
  constructor(message: string, options?: GridErrorOptions) {
    super('BACKUP_FAILED', message, options);
  }
}

/** BATCH_FAILED */
export class BatchFailedError extends GridError {
  /** Of each call of the batch, in order; empty in a copy from another thread. */
  readonly outcomes: readonly PromiseSettledResult<unknown>[];

  constructor(
    message: string,
    options?: GridErrorOptions & { readonly outcomes?: readonly PromiseSettledResult<unknown>[] },
  ) {
    super('BATCH_FAILED', message, options);
    this.outcomes = options?.outcomes ?? [];
  }
}

/** CALL_CYCLE */
export class CallCycleError extends GridError {
  constructor(message: string, options?: GridErrorOptions) {
    super('CALL_CYCLE', message, options);
  }

  /** The actors in order, each as `type "key"`; the last one is the first one called again. */
  get path(): readonly string[] {
    const path = this.details.path;
    return Array.isArray(path) ? path.map(String) : [];
  }
}

/** CAPACITY */
export class CapacityError extends GridError {
  constructor(message: string, options?: GridErrorOptions) {
    super('CAPACITY', message, options);
  }
}

/** CHANGE_SET_TOO_LARGE */
export class ChangeSetTooLargeError extends GridError {
  constructor(message: string, options?: GridErrorOptions) {
    super('CHANGE_SET_TOO_LARGE', message, options);
  }
}

/** CLIENTS_EXHAUSTED */
export class ClientsExhaustedError extends GridError {
  constructor(message: string, options?: GridErrorOptions) {
    super('CLIENTS_EXHAUSTED', message, options);
  }
}

/** CREATE_IN_WORKER */
export class CreateInWorkerError extends GridError {
  constructor(message: string, options?: GridErrorOptions) {
    super('CREATE_IN_WORKER', message, options);
  }
}

/** DECODE */
export class DecodeError extends GridError {
  constructor(message: string, options?: GridErrorOptions) {
    super('DECODE', message, options);
  }
}

/** DURABILITY_UNAVAILABLE */
export class DurabilityUnavailableError extends GridError {
  constructor(message: string, options?: GridErrorOptions) {
    super('DURABILITY_UNAVAILABLE', message, options);
  }
}

/** ENCODE */
export class EncodeError extends GridError {
  constructor(message: string, options?: GridErrorOptions) {
    super('ENCODE', message, options);
  }

  /** Where in the value: `args[0].when.fn`. */
  get path(): string {
    const path = this.details.path;
    return typeof path === 'string' ? path : '';
  }
}

/** GRID_CLOSED */
export class GridClosedError extends GridError {
  constructor(message: string, options?: GridErrorOptions) {
    super('GRID_CLOSED', message, options);
  }
}

/** HANDLER_FAILED */
export class HandlerError extends GridError {
  constructor(message: string, options?: GridErrorOptions) {
    super('HANDLER_FAILED', message, options);
  }
}

/** INVALID_ARGUMENT */
export class InvalidArgumentError extends GridError {
  constructor(message: string, options?: GridErrorOptions) {
    super('INVALID_ARGUMENT', message, options);
  }
}

/** INVALID_DEFINITION */
export class InvalidDefinitionError extends GridError {
  constructor(message: string, options?: GridErrorOptions) {
    super('INVALID_DEFINITION', message, options);
  }
}

/** INVALID_KEY */
export class InvalidKeyError extends GridError {
  constructor(message: string, options?: GridErrorOptions) {
    super('INVALID_KEY', message, options);
  }
}

/** INVALID_OPTION */
export class InvalidOptionError extends GridError {
  constructor(message: string, options?: GridErrorOptions) {
    super('INVALID_OPTION', message, options);
  }
}

/** MESSAGE_TOO_LARGE */
export class MessageTooLargeError extends GridError {
  constructor(message: string, options?: GridErrorOptions) {
    super('MESSAGE_TOO_LARGE', message, options);
  }
}

/** OFFLOAD_FAILED */
export class OffloadFailedError extends GridError {
  constructor(message: string, options?: GridErrorOptions) {
    super('OFFLOAD_FAILED', message, options);
  }
}

/** ONCE_CONFLICT */
export class OnceConflictError extends GridError {
  constructor(message: string, options?: GridErrorOptions) {
    super('ONCE_CONFLICT', message, options);
  }
}

/** OUTCOME_UNKNOWN */
export class OutcomeUnknownError extends GridError {
  constructor(message: string, options?: GridErrorOptions) {
    super('OUTCOME_UNKNOWN', message, options);
  }

  /** Steps of the command that are known to have committed. */
  get stepsCommitted(): number {
    const count = this.details.stepsCommitted;
    return typeof count === 'number' ? count : 0;
  }
}

/** OVERLOADED */
export class OverloadedError extends GridError {
  constructor(message: string, options?: GridErrorOptions) {
    super('OVERLOADED', message, options);
  }
}

/** PEEK_BUSY */
export class PeekBusyError extends GridError {
  constructor(message: string, options?: GridErrorOptions) {
    super('PEEK_BUSY', message, options);
  }
}

/** PEEK_REVOKED */
export class PeekRevokedError extends GridError {
  constructor(message: string, options?: GridErrorOptions) {
    super('PEEK_REVOKED', message, options);
  }
}

/** PEEK_UNAVAILABLE */
export class PeekUnavailableError extends GridError {
  constructor(message: string, options?: GridErrorOptions) {
    super('PEEK_UNAVAILABLE', message, options);
  }
}

/** READ_ONLY_VIEW */
export class ReadOnlyViewError extends GridError {
  constructor(message: string, options?: GridErrorOptions) {
    super('READ_ONLY_VIEW', message, options);
  }
}

/** SCHEMA_VERSION */
export class SchemaVersionError extends GridError {
  constructor(message: string, options?: GridErrorOptions) {
    super('SCHEMA_VERSION', message, options);
  }
}

/** START_FAILED */
export class StartFailedError extends GridError {
  constructor(message: string, options?: GridErrorOptions) {
    super('START_FAILED', message, options);
  }
}

/** STORAGE_FAILED */
export class StorageFailedError extends GridError {
  constructor(message: string, options?: GridErrorOptions) {
    super('STORAGE_FAILED', message, options);
  }
}

/** STORAGE_FULL */
export class StorageFullError extends GridError {
  constructor(message: string, options?: GridErrorOptions) {
    super('STORAGE_FULL', message, options);
  }
}

/** STORE_CORRUPT */
export class StoreCorruptError extends GridError {
  constructor(message: string, options?: GridErrorOptions) {
    super('STORE_CORRUPT', message, options);
  }
}

/** STORE_IDENTITY */
export class StoreIdentityError extends GridError {
  constructor(message: string, options?: GridErrorOptions) {
    super('STORE_IDENTITY', message, options);
  }
}

/** STORE_LOCKED */
export class StoreLockedError extends GridError {
  constructor(message: string, options?: GridErrorOptions) {
    super('STORE_LOCKED', message, options);
  }
}

/** TIMEOUT */
export class CallTimeoutError extends GridError {
  constructor(message: string, options?: GridErrorOptions) {
    super('TIMEOUT', message, options);
  }
}

/** UNKNOWN_ACTOR */
export class UnknownActorError extends GridError {
  constructor(message: string, options?: GridErrorOptions) {
    super('UNKNOWN_ACTOR', message, options);
  }
}

/** UNKNOWN_METHOD */
export class UnknownMethodError extends GridError {
  constructor(message: string, options?: GridErrorOptions) {
    super('UNKNOWN_METHOD', message, options);
  }
}

/** UNSETTLED */
export class UnsettledError extends GridError {
  constructor(message: string, options?: GridErrorOptions) {
    super('UNSETTLED', message, options);
  }
}

/** VERIFY_FAILED */
export class VerifyFailedError extends GridError {
  constructor(message: string, options?: GridErrorOptions) {
    super('VERIFY_FAILED', message, options);
  }
}

/** VERIFY_RUNNING */
export class VerifyRunningError extends GridError {
  constructor(message: string, options?: GridErrorOptions) {
    super('VERIFY_RUNNING', message, options);
  }
}

/** WORKER_LOST */
export class WorkerLostError extends GridError {
  constructor(message: string, options?: GridErrorOptions) {
    super('WORKER_LOST', message, options);
  }
}

/** WORKER_UNAVAILABLE */
export class WorkerUnavailableError extends GridError {
  constructor(message: string, options?: GridErrorOptions) {
    super('WORKER_UNAVAILABLE', message, options);
  }
}

/** The class of each code. */
export const gridErrorClasses: Readonly<Record<ErrorCode, GridErrorClass>> = {
  ABORTED: AbortedError,
  ACTIVATION_FAILED: ActivationFailedError,
  ACTOR_QUARANTINED: ActorQuarantinedError,
  ASYNC_QUERY: AsyncQueryError,
  ASYNC_WRITE: AsyncWriteError,
  BACKUP_FAILED: BackupFailedError,
  BATCH_FAILED: BatchFailedError,
  CALL_CYCLE: CallCycleError,
  CAPACITY: CapacityError,
  CHANGE_SET_TOO_LARGE: ChangeSetTooLargeError,
  CLIENTS_EXHAUSTED: ClientsExhaustedError,
  CREATE_IN_WORKER: CreateInWorkerError,
  DECODE: DecodeError,
  DURABILITY_UNAVAILABLE: DurabilityUnavailableError,
  ENCODE: EncodeError,
  GRID_CLOSED: GridClosedError,
  HANDLER_FAILED: HandlerError,
  INVALID_ARGUMENT: InvalidArgumentError,
  INVALID_DEFINITION: InvalidDefinitionError,
  INVALID_KEY: InvalidKeyError,
  INVALID_OPTION: InvalidOptionError,
  MESSAGE_TOO_LARGE: MessageTooLargeError,
  OFFLOAD_FAILED: OffloadFailedError,
  ONCE_CONFLICT: OnceConflictError,
  OUTCOME_UNKNOWN: OutcomeUnknownError,
  OVERLOADED: OverloadedError,
  PEEK_BUSY: PeekBusyError,
  PEEK_REVOKED: PeekRevokedError,
  PEEK_UNAVAILABLE: PeekUnavailableError,
  READ_ONLY_VIEW: ReadOnlyViewError,
  SCHEMA_VERSION: SchemaVersionError,
  START_FAILED: StartFailedError,
  STORAGE_FAILED: StorageFailedError,
  STORAGE_FULL: StorageFullError,
  STORE_CORRUPT: StoreCorruptError,
  STORE_IDENTITY: StoreIdentityError,
  STORE_LOCKED: StoreLockedError,
  TIMEOUT: CallTimeoutError,
  UNKNOWN_ACTOR: UnknownActorError,
  UNKNOWN_METHOD: UnknownMethodError,
  UNSETTLED: UnsettledError,
  VERIFY_FAILED: VerifyFailedError,
  VERIFY_RUNNING: VerifyRunningError,
  WORKER_LOST: WorkerLostError,
  WORKER_UNAVAILABLE: WorkerUnavailableError,
};

// On the prototype, not on each instance: the stack's first line then shows the name, and inspection does not repeat it.
for (const [code, errorClass] of Object.entries(gridErrorClasses) as [ErrorCode, GridErrorClass][]) {
  const name = errorTable[code].className;
  Object.defineProperty(errorClass.prototype, 'name', { value: name, writable: true, configurable: true });
}
