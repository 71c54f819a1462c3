import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADDRESS_FILE, RUN_HEADER, runningAddress } from '../../src/running-address.ts';
import { scratchFolder } from '../fixtures/demo-process.ts';

const scratch = scratchFolder();
const server = createServer((_, response) => response.setHeader(RUN_HEADER, 'this run').end('alive\n'));
let address = '';

beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => {
  server.close();
  scratch.remove();
});

function folderWith(content: string): string {
  const folder = scratch.fresh('folder');
  mkdirSync(folder);
  writeFileSync(join(folder, ADDRESS_FILE), content);
  return folder;
}

describe('the address of the demo that serves a folder', () => {
  it('is the one that answers for the run that wrote it', async () => {
    expect(await runningAddress(folderWith(JSON.stringify({ address, run: 'this run' })))).toBe(address);
  });

  it('is none when another program has taken the port of one that was killed', async () => {
    expect(await runningAddress(folderWith(JSON.stringify({ address, run: 'the run before' })))).toBeUndefined();
  });

  it('is none when nothing answers, or nothing of use was written', async () => {
    expect(await runningAddress(scratch.fresh('nothing'))).toBeUndefined();
    for (const content of [
      '',
      '{',
      'null',
      '[]',
      '{"address":5,"run":"x"}',
      '{"address":"http://127.0.0.1:1","run":"x"}',
    ])
      expect(await runningAddress(folderWith(content))).toBeUndefined();
  });
});
