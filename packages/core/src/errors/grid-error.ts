import { type ErrorCode, errorTable, type Retry } from './error-table.ts';

const brand = Symbol.for('spacegrid.GridError');

export type ErrorDetails = Readonly<Record<string, unknown>>;

export interface GridErrorOptions {
  /** Plain data about the failure. Survives threads and the network; never holds secrets or values of the user's state. */
  readonly details?: ErrorDetails;
  readonly cause?: unknown;
}

const noDetails: ErrorDetails = Object.freeze({});

/**
 * What the grid throws for everything that may be expected; each code has a subclass in grid-errors.ts. Tested with
 * `isGridError(error, code)`, which also holds for errors that came from another thread or another copy of this module.
 */
export class GridError extends Error {
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, options?: GridErrorOptions) {
    super(message, options !== undefined && 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.details = options?.details ?? noDetails;
  }

  /** Whether the same call may succeed when made again, and when. */
  get retry(): Retry {
    return errorTable[this.code].retry;
  }
}
Object.defineProperty(GridError.prototype, 'name', { value: 'GridError', writable: true, configurable: true });
Object.defineProperty(GridError.prototype, brand, { value: true });

/** Whether this is an error of the grid, and of this code when one is given. */
export function isGridError(error: unknown, code?: ErrorCode): error is GridError {
  if (typeof error !== 'object' || error === null || (error as { [brand]?: unknown })[brand] !== true) return false;
  return code === undefined || (error as GridError).code === code;
}
