/**
 * Where the fields of a map's records lie, computed once from their descriptions.
 *
 * ```
 * [hash, access stamp, meta, blob references…, (timer node, 3 words), u32/i32…, (pad), f64…, key bytes…]
 * ```
 * The first 6 bools are bits of the meta word, further ones bits of words of their own. Blob reference 0 stands for the
 * field's initial value.
 */
import { VALUE_BYTES_MAX } from '../../codec/value-limits.ts';
import { encodeValue } from '../../codec/write-value.ts';
import { InvalidOptionError } from '../../errors/grid-errors.ts';
import {
  BLOB_COUNT_MAX,
  RECORD_FLAG_COUNT,
  RECORD_FLAG_SHIFT,
  RECORD_HEAD_WORDS,
  RECORD_META,
} from '../keyed-record.ts';
import { NODE_WORDS } from '../timer-wheel/timer-node.ts';

export type FieldKind = 'bool' | 'f64' | 'i32' | 'packed' | 'text' | 'u32';

export interface FieldDescription {
  readonly name: string;
  readonly kind: FieldKind;
  /** Value of the field in a record that does not say otherwise. Default 0, false, '' or undefined. */
  readonly initial?: unknown;
  /** Most bytes of a text or packed value. Default and limit 16 MiB. */
  readonly maxBytes?: number;
}

/** What a map keeps of each record beside its fields. */
export interface RecordExtras {
  /** A deadline, and a node of the timer wheel: five words. Default false. */
  readonly timed?: boolean;
  /** The sequence of the turn that wrote it: one word. Default false. */
  readonly versioned?: boolean;
}

/** A field in place: what the accessors of record-fields.ts take. */
export interface RecordField {
  readonly name: string;
  readonly kind: FieldKind;
  readonly initial: unknown;
  /** Of a packed field whose initial value could be changed: what each reader gets a copy of. */
  readonly initialBytes: Uint8Array | undefined;
  readonly maxBytes: number;
  /** Word of the record. */
  readonly at: number;
  /** The bit of a bool in that word, as a mask; 0 for other kinds. */
  readonly mask: number;
  /** Number of the blob of a text or packed field, from 0; −1 for other kinds. */
  readonly blob: number;
}

const FIELDS_MAX = 500;

export class RecordShape {
  readonly fields: readonly RecordField[];
  readonly blobCount: number;
  /** Word where the key begins: the fixed part's length. */
  readonly keyAt: number;
  /** Word of the record's node in the timer wheel; 0 where it has none. */
  readonly nodeAt: number;
  /** Wall-clock milliseconds, or Infinity; only where records are timed. */
  readonly deadline: RecordField | undefined;
  /** Low 32 bits of the sequence; only where records are versioned. */
  readonly version: RecordField | undefined;
  private readonly byName: ReadonlyMap<string, RecordField>;

  constructor(descriptions: readonly FieldDescription[], extras: RecordExtras = {}) {
    if (descriptions.length > FIELDS_MAX) {
      throw new InvalidOptionError(`a record has ${descriptions.length} fields: at most ${FIELDS_MAX} are allowed`);
    }
    const byName = new Map<string, RecordField>();
    const timed = extras.timed === true;
    const place = (description: FieldDescription, at: number, mask: number, blob: number): void => {
      if (byName.has(description.name))
        throw new InvalidOptionError(`the field ${description.name} is described twice`);
      const initial = description.initial === undefined ? emptyOf(description.kind) : description.initial;
      byName.set(description.name, {
        name: description.name,
        kind: description.kind,
        initial,
        initialBytes: isChangeable(initial) ? encodeValue(initial, description.name) : undefined,
        maxBytes: Math.min(description.maxBytes ?? VALUE_BYTES_MAX, VALUE_BYTES_MAX),
        at,
        mask,
        blob,
      });
    };
    const blobs = descriptions.filter((field) => field.kind === 'text' || field.kind === 'packed');
    if (blobs.length > BLOB_COUNT_MAX) {
      throw new InvalidOptionError(
        `a record has ${blobs.length} text and packed fields: at most ${BLOB_COUNT_MAX} are allowed`,
      );
    }
    let at = RECORD_HEAD_WORDS;
    for (const [number, field] of blobs.entries()) place(field, at++, 0, number);
    // Right behind the blobs, whose number a record tells: so it is found without knowing the shape.
    this.nodeAt = timed ? at : 0;
    if (timed) at += NODE_WORDS;
    this.version = extras.versioned === true ? hiddenField('version', 'u32', at++) : undefined;
    for (const field of descriptions) if (field.kind === 'u32' || field.kind === 'i32') place(field, at++, 0, -1);
    const bools = descriptions.filter((field) => field.kind === 'bool');
    for (const [number, field] of bools.slice(0, RECORD_FLAG_COUNT).entries()) {
      place(field, RECORD_META, 1 << (RECORD_FLAG_SHIFT + number), -1);
    }
    for (const [number, field] of bools.slice(RECORD_FLAG_COUNT).entries()) {
      if (number % 32 === 0) at++;
      place(field, at - 1, 1 << (number % 32), -1);
    }
    const doubles = descriptions.filter((field) => field.kind === 'f64');
    if (doubles.length > 0 || timed) at += at & 1;
    this.deadline = timed ? hiddenField('deadline', 'f64', at) : undefined;
    if (timed) at += 2;
    for (const field of doubles) {
      place(field, at, 0, -1);
      at += 2;
    }
    this.keyAt = at;
    this.blobCount = blobs.length;
    this.byName = byName;
    // In the order described: the order of the properties of the objects that `get` makes.
    this.fields = Object.freeze(descriptions.map((field) => byName.get(field.name) as RecordField));
  }

  /** The field of that name, or undefined. */
  field(name: string): RecordField | undefined {
    return this.byName.get(name);
  }

  fieldOrThrow(name: string): RecordField {
    const field = this.byName.get(name);
    if (field === undefined) throw new InvalidOptionError(`a record has no field ${name}`);
    return field;
  }
}

function isChangeable(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}

/** A field that no description names. */
function hiddenField(name: string, kind: 'f64' | 'u32', at: number): RecordField {
  return { name, kind, initial: 0, initialBytes: undefined, maxBytes: VALUE_BYTES_MAX, at, mask: 0, blob: -1 };
}

function emptyOf(kind: FieldKind): unknown {
  switch (kind) {
    case 'bool':
      return false;
    case 'text':
      return '';
    case 'packed':
      return undefined;
    default:
      return 0;
  }
}
