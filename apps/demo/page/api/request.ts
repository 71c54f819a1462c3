/** One call of the API. Whatever goes wrong becomes an ApiError with a sentence for people. */

const TIMEOUT_MS = 15_000;

export class ApiError extends Error {
  readonly code: string;
  /** HTTP status; 0 when no answer came, so that nobody knows whether the server has acted. */
  readonly status: number;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export interface Call {
  readonly method?: 'POST' | 'DELETE';
  readonly body?: unknown;
  readonly idempotencyKey?: string;
}

/** The answer's JSON; undefined for an empty one. Throws ApiError. */
export async function request<T>(path: string, call: Call = {}): Promise<T> {
  const headers: Record<string, string> = {};
  if (call.body !== undefined) headers['content-type'] = 'application/json';
  if (call.idempotencyKey !== undefined) headers['idempotency-key'] = call.idempotencyKey;
  let answer: Response;
  let text: string;
  try {
    answer = await fetch(path, {
      method: call.method ?? 'GET',
      headers,
      ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    text = await answer.text();
  } catch (error) {
    const late = error instanceof DOMException && error.name === 'TimeoutError';
    throw new ApiError(
      0,
      late ? 'TIMEOUT' : 'UNREACHABLE',
      late ? 'The server did not answer in time.' : 'The server cannot be reached.',
    );
  }
  if (!answer.ok) throw refusalOf(answer.status, text);
  return (text === '' ? undefined : JSON.parse(text)) as T;
}

/** Part of a path. Throws ApiError for a text that is no Unicode, and for the two names that paths keep for themselves. */
export function pathPart(name: string): string {
  if (!name.isWellFormed()) throw new ApiError(400, 'INVALID_ARGUMENT', 'This name has half a character in it.');
  if (name === '.' || name === '..')
    throw new ApiError(400, 'INVALID_ARGUMENT', `A browser cannot ask for a name that is only “${name}”.`);
  return encodeURIComponent(name);
}

/** A sentence about anything thrown. */
export function sentenceOf(error: unknown): string {
  if (error instanceof ApiError || error instanceof Error) return withCapital(error.message);
  return 'Something went wrong.';
}

function refusalOf(status: number, text: string): ApiError {
  try {
    const { error } = JSON.parse(text) as { error?: { code?: unknown; message?: unknown } };
    if (typeof error?.code === 'string' && typeof error.message === 'string')
      return new ApiError(status, error.code, error.message);
  } catch {
    // Not an answer of the API: a proxy between, perhaps. The status says what there is to say.
  }
  return new ApiError(status, 'UNKNOWN', `The server answered with status ${status}.`);
}

function withCapital(sentence: string): string {
  const text = sentence.charAt(0).toUpperCase() + sentence.slice(1);
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
