/** Where an actor lives: its key's bytes and hash, and the partition that they give. Computed once for each reference. */
import { encodeKey, type KeyBytes, partitionOf } from '@spacegrid/core';
import type { ActorType } from '../define/actor-type.ts';

export interface Route {
  readonly type: ActorType;
  readonly key: string;
  readonly keyBytes: KeyBytes;
  readonly partition: number;
}

export function routeOf(type: ActorType, key: string, partitions: number, hashSeed: number): Route {
  const keyBytes = encodeKey(key, hashSeed);
  const { partitionBy } = type.options;
  const hash = partitionBy === undefined ? keyBytes.hash : encodeKey(partitionBy(key), hashSeed).hash;
  return { type, key, keyBytes, partition: partitionOf(hash, partitions) };
}
