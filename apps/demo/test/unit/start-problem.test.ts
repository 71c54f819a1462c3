import { StoreIdentityError, StoreLockedError } from '@spacegrid/core';
import { describe, expect, it } from 'vitest';
import { startProblem } from '../../src/grid/start-problem.ts';

const coded = (code: string): Error => Object.assign(new Error('system'), { code });

describe('why the grid did not start', () => {
  it.each(['EACCES', 'EROFS', 'ENOTDIR', 'EEXIST', 'SQLITE_CANTOPEN', 'SQLITE_READONLY'])(
    'is a folder that is not writable: %s, also as a cause',
    (code) => {
      const line = `The data folder /data is not writable (${code}): set SPACEGRID_DATA to another.`;
      expect(startProblem(coded(code), '/data')).toBe(line);
      expect(startProblem(new Error('start', { cause: coded(code) }), '/data')).toBe(line);
    },
  );

  it('is what the grid says, with its code', () => {
    expect(startProblem(new StoreIdentityError('of another grid'), '/data')).toBe(
      'The grid did not start (STORE_IDENTITY): of another grid',
    );
  });

  it('is another process that has the folder', () => {
    expect(startProblem(new StoreLockedError('taken'), '/data')).toBe(
      'The data folder /data is in use by another process: stop that one, or set SPACEGRID_DATA to another.',
    );
  });

  it('is one line whatever was thrown', () => {
    expect(startProblem(new Error('first\n  second'), '/data')).toBe('The grid did not start: first second');
    expect(startProblem('text', '/data')).toBe('The grid did not start: text');
  });
});
