/** A file of lines, plain or packed with gzip. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';

const READ_BYTES = 1024 * 1024;

/** Its bytes, unpacked. */
export function readFileBytes(path: string): AsyncIterable<Buffer> {
  const file = createReadStream(path, { highWaterMark: READ_BYTES });
  if (!path.endsWith('.gz')) return file as AsyncIterable<Buffer>;
  const unpacked = createGunzip({ chunkSize: READ_BYTES });
  // Errors reach whoever reads: the pipeline ends `unpacked` with them.
  pipeline(file, unpacked, () => undefined);
  return unpacked as AsyncIterable<Buffer>;
}

/** By what a file is known again, and how many bytes it has: the same for a file and its packed copy. */
export async function digestOf(path: string): Promise<{ readonly digest: string; readonly bytes: number }> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of readFileBytes(path)) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { digest: hash.digest('hex'), bytes };
}
