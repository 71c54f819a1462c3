/** Errors as the API answers them: a status, and a body { error: { code, message } }. */
import { isGridError } from '@spacegrid/actors';
import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';

export class HttpError extends Error {
  readonly status: ContentfulStatusCode;
  readonly code: string;

  constructor(status: ContentfulStatusCode, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

const STATUS_OF_CODE: Readonly<Record<string, ContentfulStatusCode>> = {
  INVALID_ARGUMENT: 400,
  INVALID_KEY: 400,
  ENCODE: 400,
  ONCE_CONFLICT: 409,
  CAPACITY: 507,
  STORAGE_FULL: 507,
  OVERLOADED: 429,
  MESSAGE_TOO_LARGE: 413,
};

/** Answers an error thrown while a request was handled. Unforeseen ones are told to `report`, and say nothing of themselves. */
export function answerError(context: Context, error: unknown, report: (error: unknown) => void): Response {
  if (error instanceof HttpError)
    return context.json({ error: { code: error.code, message: error.message } }, error.status);
  if (isGridError(error)) {
    const status = STATUS_OF_CODE[error.code] ?? 503;
    return context.json({ error: { code: error.code, message: error.message } }, status);
  }
  report(error);
  return context.json({ error: { code: 'INTERNAL', message: 'something went wrong here; it was logged' } }, 500);
}
