/**
 * The one table of errors that a user of the grid may meet. Classes (grid-errors.ts) and docs/reference/errors.md follow it;
 * a test holds the three in step. Codes are stable: they are never renamed, and a retired one is never used again.
 */

/**
 * Whether the same call may succeed when it is made again: `never` unless the program or its surroundings change;
 * `same-owner` later, as it is; `after-refresh` once the caller has looked up again who serves the key.
 */
export type Retry = 'never' | 'same-owner' | 'after-refresh';

export interface ErrorEntry {
  readonly className: string;
  readonly retry: Retry;
  readonly meaning: string;
  /** What helps. */
  readonly help: string;
}

export type ErrorCode =
  | 'ABORTED'
  | 'ACTIVATION_FAILED'
  | 'ACTOR_QUARANTINED'
  | 'ASYNC_QUERY'
  | 'ASYNC_WRITE'
  | 'BACKUP_FAILED'
  | 'BATCH_FAILED'
  | 'CALL_CYCLE'
  | 'CAPACITY'
  | 'CHANGE_SET_TOO_LARGE'
  | 'CLIENTS_EXHAUSTED'
  | 'CREATE_IN_WORKER'
  | 'DECODE'
  | 'DURABILITY_UNAVAILABLE'
  | 'ENCODE'
  | 'GRID_CLOSED'
  | 'HANDLER_FAILED'
  | 'INVALID_ARGUMENT'
  | 'INVALID_DEFINITION'
  | 'INVALID_KEY'
  | 'INVALID_OPTION'
  | 'MESSAGE_TOO_LARGE'
  | 'OFFLOAD_FAILED'
  | 'ONCE_CONFLICT'
  | 'OUTCOME_UNKNOWN'
  | 'OVERLOADED'
  | 'PEEK_BUSY'
  | 'PEEK_REVOKED'
  | 'PEEK_UNAVAILABLE'
  | 'READ_ONLY_VIEW'
  | 'SCHEMA_VERSION'
  | 'START_FAILED'
  | 'STORAGE_FAILED'
  | 'STORAGE_FULL'
  | 'STORE_CORRUPT'
  | 'STORE_IDENTITY'
  | 'STORE_LOCKED'
  | 'TIMEOUT'
  | 'UNKNOWN_ACTOR'
  | 'UNKNOWN_METHOD'
  | 'UNSETTLED'
  | 'VERIFY_FAILED'
  | 'VERIFY_RUNNING'
  | 'WORKER_LOST'
  | 'WORKER_UNAVAILABLE';

export const errorTable: Readonly<Record<ErrorCode, ErrorEntry>> = {
  ABORTED: {
    className: 'AbortedError',
    retry: 'never',
    meaning: 'The call was given up through its `signal` before it was started: it has certainly not run.',
    help: 'Call again when the result is wanted after all.',
  },
  ACTIVATION_FAILED: {
    className: 'ActivationFailedError',
    retry: 'same-owner',
    meaning:
      'The actor could not be activated: its activation hook or a migration threw, or its state could not be loaded.',
    help: 'Look at `cause`; the next call tries to activate the actor again.',
  },
  ACTOR_QUARANTINED: {
    className: 'ActorQuarantinedError',
    retry: 'never',
    meaning: 'The actor was running in three deaths of its thread within a minute and is kept from running.',
    help: 'Find in the health report what the actor was running, mend the handler, and restart the grid.',
  },
  ASYNC_QUERY: {
    className: 'AsyncQueryError',
    retry: 'never',
    meaning: 'A query returned a promise. Queries answer at once from the state they see.',
    help: 'Make the query synchronous; wait in a command, or in the caller.',
  },
  ASYNC_WRITE: {
    className: 'AsyncWriteError',
    retry: 'never',
    meaning: 'A command changed state outside a step and returned a promise. The change is undone.',
    help: 'Write inside `turn.step(state => …)`, or make the command synchronous.',
  },
  BACKUP_FAILED: {
    className: 'BackupFailedError',
    retry: 'same-owner',
    meaning: 'The online backup could not be completed; what it wrote is not a backup.',
    help: 'Look at `cause`; give an empty, writable directory with room for the whole store.',
  },
  BATCH_FAILED: {
    className: 'BatchFailedError',
    retry: 'never',
    meaning:
      'Some calls of a batch failed; the others have run. `outcomes` has the answer or the error of each, in order.',
    help: 'Make those calls again whose own error may be retried.',
  },
  CALL_CYCLE: {
    className: 'CallCycleError',
    retry: 'never',
    meaning: 'An actor called an actor that waits for it. `path` lists the actors in order.',
    help: 'Send the inner call with `turn.send`, or let one actor own both parts of the state.',
  },
  CAPACITY: {
    className: 'CapacityError',
    retry: 'same-owner',
    meaning:
      'The write needs more memory than the budget of its partition or grid allows, or more room than its map may evict: nothing is evicted before it is durable. The turn is undone.',
    help: "Delete or expire state, or raise `partitionBytes` or `memory`. For a map with `evict`: raise its limit, try again after the next flush, or write with `ack: 'durable'`.",
  },
  CHANGE_SET_TOO_LARGE: {
    className: 'ChangeSetTooLargeError',
    retry: 'never',
    meaning: 'One turn changed or answered more than a change set may hold. The turn is undone.',
    help: 'Split the work into several commands or steps, or raise `changeSet`.',
  },
  CLIENTS_EXHAUSTED: {
    className: 'ClientsExhaustedError',
    retry: 'same-owner',
    meaning: 'All client slots of the grid are taken by other threads.',
    help: 'Close attachments that are no longer used, or raise `clientThreads`.',
  },
  CREATE_IN_WORKER: {
    className: 'CreateInWorkerError',
    retry: 'never',
    meaning: '`createGrid` was called while a thread of a grid was loading the actors module.',
    help: 'Move `defineActor` calls to a file of their own and pass its URL as `actors`.',
  },
  DECODE: {
    className: 'DecodeError',
    retry: 'never',
    meaning: 'Bytes are not a valid encoding, or one that exceeds the limits on size, depth or number of items.',
    help: 'Bytes from outside: refuse their sender. Bytes from the store: run `verify`.',
  },
  DURABILITY_UNAVAILABLE: {
    className: 'DurabilityUnavailableError',
    retry: 'same-owner',
    meaning:
      'Durability was asked for and can not be given: the grid has no persistence, or its durability thread is down.',
    help: 'Give `createGrid` a `persistence`; with one, look at the health report and try again.',
  },
  ENCODE: {
    className: 'EncodeError',
    retry: 'never',
    meaning: 'A value can not be sent or stored. `details.path` says where in the value, the message says why.',
    help: 'Pass plain data: numbers, texts, booleans, bytes, dates, arrays, records, maps and sets, within the limits.',
  },
  GRID_CLOSED: {
    className: 'GridClosedError',
    retry: 'never',
    meaning: 'The grid is closing or closed and takes no more calls.',
    help: 'Create the grid again, or stop calling before `close()`.',
  },
  HANDLER_FAILED: {
    className: 'HandlerError',
    retry: 'never',
    meaning:
      'Code of the application threw something that is not an error; `details.thrown` holds it where it can be sent.',
    help: 'Throw instances of Error: they come back with name, message, stack, code and cause.',
  },
  INVALID_ARGUMENT: {
    className: 'InvalidArgumentError',
    retry: 'never',
    meaning: 'An argument is outside of what the operation allows. Nothing was changed.',
    help: 'The message names the argument, its value and what is allowed.',
  },
  INVALID_DEFINITION: {
    className: 'InvalidDefinitionError',
    retry: 'never',
    meaning: 'An actor definition, or the module that exports it, is not usable.',
    help: 'The message names the actor and the part to change.',
  },
  INVALID_KEY: {
    className: 'InvalidKeyError',
    retry: 'never',
    meaning: 'A key is not a string of 1 to 1,024 UTF-8 bytes, or holds half of a surrogate pair.',
    help: 'Shorten the key, for example to a digest; encode binary keys as text.',
  },
  INVALID_OPTION: {
    className: 'InvalidOptionError',
    retry: 'never',
    meaning: 'An option is unknown, has a wrong type, unit or range, or contradicts another.',
    help: 'The message names the path of the option, its value and what is allowed.',
  },
  MESSAGE_TOO_LARGE: {
    className: 'MessageTooLargeError',
    retry: 'never',
    meaning: 'The arguments or the answer of a call exceed the largest message, 16 MiB.',
    help: 'Send less at a time: pages, ranges, batches.',
  },
  OFFLOAD_FAILED: {
    className: 'OffloadFailedError',
    retry: 'same-owner',
    meaning: 'The pool could not run an offloaded task: its thread ended, or its queue is full.',
    help: 'Look at `cause`; offload less at a time, or raise `poolThreads`.',
  },
  ONCE_CONFLICT: {
    className: 'OnceConflictError',
    retry: 'never',
    meaning: 'The idempotency key was used before for another command of the same actor, or with other arguments.',
    help: 'Use a fresh idempotency key for each intent.',
  },
  OUTCOME_UNKNOWN: {
    className: 'OutcomeUnknownError',
    retry: 'never',
    meaning:
      'The call had been started when it was given up or its thread died: it may have taken effect. `stepsCommitted` counts the steps known to be.',
    help: 'Call with an idempotency key (`once`): then a retry is safe. Or read the state and decide.',
  },
  OVERLOADED: {
    className: 'OverloadedError',
    retry: 'same-owner',
    meaning: 'There is no room for the call in the ring to its worker or in the mailbox of its actor. It has not run.',
    help: 'Slow down: `pressure` shows the depth before a call. With `whenFull` set to `wait` the call waits.',
  },
  PEEK_BUSY: {
    className: 'PeekBusyError',
    retry: 'same-owner',
    meaning: 'A peek met concurrent changes too often within its time limit.',
    help: 'Peek again, use `peekOrAsk`, or send the query.',
  },
  PEEK_REVOKED: {
    className: 'PeekRevokedError',
    retry: 'same-owner',
    meaning: 'A peek took so long that the memory it was reading was given back; its result is dropped.',
    help: 'Keep what runs inside a peek short, use `peekOrAsk`, or send the query.',
  },
  PEEK_UNAVAILABLE: {
    className: 'PeekUnavailableError',
    retry: 'never',
    meaning: 'The state can not be read from this thread, as it is unloaded to the store or not served on this node.',
    help: 'Use `peekOrAsk`, or send the query: it loads the state.',
  },
  READ_ONLY_VIEW: {
    className: 'ReadOnlyViewError',
    retry: 'never',
    meaning: 'A query, or a command outside of its step, wrote to a view of the state or to a value read from it.',
    help: 'Change state in a command by assignment of a new value, inside a step when the command is asynchronous.',
  },
  SCHEMA_VERSION: {
    className: 'SchemaVersionError',
    retry: 'never',
    meaning: 'Stored state has a shape or version that the code does not know. The message names both.',
    help: 'Deploy code that knows the version, or add the missing migration.',
  },
  START_FAILED: {
    className: 'StartFailedError',
    retry: 'never',
    meaning: 'A thread of the grid could not be started.',
    help: 'Look at `cause`.',
  },
  STORAGE_FAILED: {
    className: 'StorageFailedError',
    retry: 'same-owner',
    meaning: 'The disk failed to write, read or sync. What was not acknowledged as durable is still in memory.',
    help: 'Look at the health report and the disk; the grid moves on to fresh files where it can.',
  },
  STORAGE_FULL: {
    className: 'StorageFullError',
    retry: 'same-owner',
    meaning: 'The disk is full. Nothing is lost; commands are refused at the limit of the backlog, queries go on.',
    help: 'Make room on the disk: the grid resumes by itself.',
  },
  STORE_CORRUPT: {
    className: 'StoreCorruptError',
    retry: 'never',
    meaning: 'Stored bytes fail their checksum or are no database. `details` names file and range.',
    help: 'Run `verify`; restore a backup, or rebuild from a replica.',
  },
  STORE_IDENTITY: {
    className: 'StoreIdentityError',
    retry: 'never',
    meaning: 'The store belongs to a grid with another identity: partition count, hash seed or grid id.',
    help: 'Open it with the options it was created with, or choose another directory.',
  },
  STORE_LOCKED: {
    className: 'StoreLockedError',
    retry: 'same-owner',
    meaning: 'Another process has the store open.',
    help: 'Stop that process, or choose another directory.',
  },
  TIMEOUT: {
    className: 'CallTimeoutError',
    retry: 'same-owner',
    meaning:
      'The call was not started within its `timeout`: it has certainly not run. For calls between actors the message says who waited for whom.',
    help: 'Raise `timeout`, or send less: the partition is behind.',
  },
  UNKNOWN_ACTOR: {
    className: 'UnknownActorError',
    retry: 'never',
    meaning: 'The actor is not among those that the grid was created with.',
    help: 'Export its definition from the module passed as `actors`.',
  },
  UNKNOWN_METHOD: {
    className: 'UnknownMethodError',
    retry: 'never',
    meaning: 'The actor declares no command or query of this name.',
    help: 'Check the name; caller and grid must load the same version of the definition.',
  },
  UNSETTLED: {
    className: 'UnsettledError',
    retry: 'never',
    meaning: 'A test grid came to no rest: its actors send each other messages, or set reminders, without end.',
    help: 'Look for a message or reminder that always leads to the next; advance the clock in smaller steps.',
  },
  VERIFY_FAILED: {
    className: 'VerifyFailedError',
    retry: 'same-owner',
    meaning:
      'Memory and store could not be compared to the end, for a reason given as the cause. What was repaired stays.',
    help: 'Look at the cause: a thread that keeps dying, a store that can’t be read or written; then verify again.',
  },
  VERIFY_RUNNING: {
    className: 'VerifyRunningError',
    retry: 'same-owner',
    meaning: 'The grid is being verified already: one run at a time.',
    help: 'Wait for the one that runs; `stats().verify` says when it has ended.',
  },
  WORKER_LOST: {
    className: 'WorkerLostError',
    retry: 'never',
    meaning: 'The thread running the call died twice while running it. The call has not taken effect.',
    help: 'Look at the health report for what the thread died of; the call is a likely cause.',
  },
  WORKER_UNAVAILABLE: {
    className: 'WorkerUnavailableError',
    retry: 'after-refresh',
    meaning: 'The worker of the partition is down and could not be replaced.',
    help: 'Look at the health report; restart the process when the worker is given up.',
  },
};
