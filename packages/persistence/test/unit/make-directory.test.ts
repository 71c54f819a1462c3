import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { sqlite } from '@spacegrid/persistence';
import { makeDirectory } from '../../src/make-directory.ts';

const scratch = mkdtempSync(join(tmpdir(), 'spacegrid-directory-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe('makeDirectory', () => {
  it('makes what is missing, for its owner alone, and leaves what is there', () => {
    const path = join(scratch, 'a', 'b', 'c');
    makeDirectory(path);
    makeDirectory(path);
    expect(statSync(path).isDirectory()).toBe(true);
    expect(statSync(join(scratch, 'a')).mode & 0o777).toBe(0o700);
  });

  it('throws the error of the system where a file is in the way', () => {
    const file = join(scratch, 'file');
    writeFileSync(file, '');
    expect(() => makeDirectory(file)).toThrow('EEXIST');
    expect(() => makeDirectory(join(file, 'below'))).toThrow('ENOTDIR');
  });

  it('fails as storage does where a store is given such a path', () => {
    const file = join(scratch, 'in the way');
    writeFileSync(file, '');
    expect(() => sqlite({ directory: file })).toThrow(
      expect.objectContaining({ code: 'STORAGE_FAILED', details: { directory: file } }),
    );
  });

  it.runIf(process.platform === 'linux')('returns where the system makes none', () => {
    expect(() => makeDirectory('/proc/spacegrid/below')).toThrow('ENOENT');
  });
});
