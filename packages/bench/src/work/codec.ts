/** The tagged codec on a small object, beside JSON and structuredClone's serializer. */
import { deserialize, serialize } from 'node:v8';
import { decodeValue, encodeValue } from '@spacegrid/core';
import { measureMicro } from '../micro.ts';
import { rateRow } from '../report.ts';
import type { Work } from '../work.ts';

const TOGETHER = 200;
const VALUE = { player: 'ada', points: 120.5, level: 7, tags: ['fast', 'kind'], active: true };

export const codecWork: Work = {
  name: 'codec',
  async run(options) {
    let size = 0;
    const each = (name: string, roundTrip: () => object) => ({
      name,
      operations: TOGETHER,
      run: () => {
        for (let index = 0; index < TOGETHER; index++) size += Object.keys(roundTrip()).length;
      },
    });
    const samples = await measureMicro(
      [
        each('codec', () => decodeValue(encodeValue(VALUE)) as object),
        each('JSON', () => JSON.parse(JSON.stringify(VALUE)) as object),
        each('v8.serialize', () => deserialize(serialize(VALUE)) as object),
      ],
      options,
    );
    if (size === 0) throw new Error('nothing was decoded');
    return [
      rateRow(samples, 'codec', 'encode and decode a small object', [{ name: 'JSON' }, { name: 'v8.serialize' }]),
    ];
  },
};
