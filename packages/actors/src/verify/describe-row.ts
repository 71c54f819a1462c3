import { parseRowKey } from '../state/row-keys.ts';
import type { VerifyDifference } from './verify-report.ts';

/** Whose row a key is, in words. */
export function describeRow(
  key: Uint8Array,
): Pick<VerifyDifference, 'actor' | 'entry' | 'key' | 'rowKey' | 'structure'> {
  const rowKey = Buffer.from(key).toString('hex');
  const parsed = parseRowKey(key, 0, key.length);
  if (parsed?.typeName === undefined) return { rowKey };
  const text = (from: number, to: number): string => Buffer.from(key.subarray(from, to)).toString('utf8');
  const actor = { actor: parsed.typeName, key: text(parsed.keyStart, parsed.keyEnd), rowKey };
  if (parsed.fieldName === undefined) return actor;
  const structure = { ...actor, structure: parsed.fieldName };
  return parsed.entryStart === key.length ? structure : { ...structure, entry: text(parsed.entryStart, key.length) };
}
