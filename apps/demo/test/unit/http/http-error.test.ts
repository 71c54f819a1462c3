import {
  CapacityError,
  InvalidArgumentError,
  OnceConflictError,
  OverloadedError,
  CallTimeoutError,
} from '@spacegrid/core';
import { Hono } from 'hono';
import { describe, expect, it } from 'vitest';
import { answerError, HttpError } from '../../../src/http/http-error.ts';

async function answerOf(
  error: Error,
): Promise<{ readonly status: number; readonly json: unknown; readonly told: unknown[] }> {
  const told: unknown[] = [];
  const app = new Hono();
  app.get('/', (context) => answerError(context, error, (unforeseen) => told.push(unforeseen)));
  const answer = await app.request('/');
  return { status: answer.status, json: await answer.json(), told };
}

describe('an error', () => {
  it.each([
    [new HttpError(413, 'BODY_TOO_LARGE', 'too large'), 413, 'BODY_TOO_LARGE'],
    [new InvalidArgumentError('no'), 400, 'INVALID_ARGUMENT'],
    [new OnceConflictError('no'), 409, 'ONCE_CONFLICT'],
    [new OverloadedError('there are 1000 boards'), 429, 'OVERLOADED'],
    [new CapacityError('no'), 507, 'CAPACITY'],
    [new CallTimeoutError('no'), 503, 'TIMEOUT'],
  ])('that was foreseen is answered with its code: %s', async (error, status, code) => {
    expect(await answerOf(error)).toEqual({ status, json: { error: { code, message: error.message } }, told: [] });
  });

  it('that nobody foresaw is told to the log and not to the client', async () => {
    const error = new TypeError('secret path');
    const { status, json, told } = await answerOf(error);
    expect({ status, told }).toEqual({ status: 500, told: [error] });
    expect(JSON.stringify(json)).not.toContain('secret');
    expect(json).toMatchObject({ error: { code: 'INTERNAL' } });
  });
});
