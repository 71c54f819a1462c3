/** `backup.json`: written last, so that a backup without it is none; holds what the copy is to be compared with. */
import { closeSync, openSync, readFileSync, readSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checksum32, type DurablePosition, StoreCorruptError } from '@spacegrid/core';
import { syncFile } from './database.ts';

const NAME = 'backup.json';
const FORMAT = 1;
const CHUNK_BYTES = 1024 * 1024;

export interface FileDigest {
  readonly name: string;
  readonly bytes: number;
  readonly digest: string;
}

export interface BackupManifest {
  readonly format: typeof FORMAT;
  readonly storeId: string;
  readonly partitions: number;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly files: readonly FileDigest[];
  /** By partition: what the backup holds. */
  readonly positions: readonly DurablePosition[];
}

/** Reads the file once, in pieces. Two checksums of 32 bits, of all pieces' checksums from both ends. */
export function digestFile(directory: string, name: string): FileDigest {
  const handle = openSync(join(directory, name), 'r');
  try {
    const piece = new Uint8Array(CHUNK_BYTES);
    const sums: number[] = [];
    let bytes = 0;
    for (let read = readSync(handle, piece); read > 0; read = readSync(handle, piece)) {
      sums.push(checksum32(piece, 0, read), checksum32(piece, read >>> 1, read));
      bytes += read;
    }
    const all = new Uint8Array(new Uint32Array(sums).buffer);
    const digest = [checksum32(all), checksum32(all.toReversed())]
      .map((sum) => sum.toString(16).padStart(8, '0'))
      .join('');
    return { name, bytes, digest };
  } finally {
    closeSync(handle);
  }
}

export function writeManifest(directory: string, manifest: Omit<BackupManifest, 'format'>): void {
  const file = join(directory, NAME);
  writeFileSync(file, `${JSON.stringify({ format: FORMAT, ...manifest }, undefined, 2)}\n`);
  syncFile(file);
}

/** Throws StoreCorruptError when the directory holds no finished backup. */
export function readManifest(directory: string): BackupManifest {
  const file = join(directory, NAME);
  let manifest: unknown;
  try {
    manifest = JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new StoreCorruptError(`${directory} holds no finished backup: ${NAME} can't be read`, {
      cause,
      details: { file },
    });
  }
  if (!isManifest(manifest))
    throw new StoreCorruptError(`${file} is not of format ${FORMAT}: the backup is damaged, or of another version`, {
      details: { file },
    });
  return manifest;
}

function isManifest(value: unknown): value is BackupManifest {
  if (typeof value !== 'object' || value === null) return false;
  const { format, files, positions, partitions } = value as Partial<BackupManifest>;
  return (
    format === FORMAT &&
    typeof partitions === 'number' &&
    Array.isArray(positions) &&
    Array.isArray(files) &&
    files.every(
      (file: Partial<FileDigest> | null) =>
        typeof file === 'object' &&
        file !== null &&
        // Names of files beside the manifest, nothing that leads elsewhere.
        typeof file.name === 'string' &&
        /^[a-z0-9-]+\.db$/.test(file.name) &&
        typeof file.bytes === 'number' &&
        typeof file.digest === 'string',
    )
  );
}
