/** The activations of a worker, found by type, partition and key bytes without making a string. */
import { KEY_BYTES_MAX } from '@spacegrid/core';
import type { Activation } from './activation.ts';

const BUCKETS_MIN = 1024;

export class ActivationTable {
  size: number;
  private buckets: (Activation[] | undefined)[];

  constructor() {
    this.size = 0;
    this.buckets = new Array<Activation[] | undefined>(BUCKETS_MIN).fill(undefined);
  }

  find(type: number, hash: number, bytes: Uint8Array, offset: number, length: number): Activation | undefined {
    const bucket = this.buckets[this.slot(type, hash)];
    if (bucket === undefined) return undefined;
    for (const activation of bucket) {
      const key = activation.keyBytes;
      if (
        key.hash === hash &&
        key.length === length &&
        activation.layout.type.index === type &&
        same(key.bytes, bytes, offset, length)
      ) {
        return activation;
      }
    }
    return undefined;
  }

  add(activation: Activation): void {
    if (this.size > this.buckets.length * 2) this.grow();
    const slot = this.slot(activation.layout.type.index, activation.keyBytes.hash);
    const bucket = this.buckets[slot];
    if (bucket === undefined) this.buckets[slot] = [activation];
    else bucket.push(activation);
    this.size++;
  }

  remove(activation: Activation): void {
    const slot = this.slot(activation.layout.type.index, activation.keyBytes.hash);
    const bucket = this.buckets[slot];
    const at = bucket?.indexOf(activation) ?? -1;
    if (bucket === undefined || at < 0) return;
    bucket.splice(at, 1);
    if (bucket.length === 0) this.buckets[slot] = undefined;
    this.size--;
  }

  get bucketCount(): number {
    return this.buckets.length;
  }

  /** Activations of some buckets, round and round: for idle passivation in small steps. */
  sweep(from: number, buckets: number, visit: (activation: Activation) => void): number {
    const mask = this.buckets.length - 1;
    for (let index = 0; index < buckets; index++) {
      const bucket = this.buckets[(from + index) & mask];
      if (bucket !== undefined) for (const activation of [...bucket]) visit(activation);
    }
    return (from + buckets) & mask;
  }

  private slot(type: number, hash: number): number {
    return (hash ^ (hash >>> 15) ^ (type * 0x9e3779b1)) & (this.buckets.length - 1);
  }

  private grow(): void {
    const all = this.buckets.flatMap((bucket) => bucket ?? []);
    this.buckets = new Array<Activation[] | undefined>(this.buckets.length * 4).fill(undefined);
    this.size = 0;
    for (const activation of all) this.add(activation);
  }
}

function same(own: Uint8Array, bytes: Uint8Array, offset: number, length: number): boolean {
  if (length > KEY_BYTES_MAX) return false;
  for (let index = 0; index < length; index++) if (own[index] !== bytes[offset + index]) return false;
  return true;
}
