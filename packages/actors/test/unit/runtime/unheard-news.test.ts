import { FakeClock } from '@spacegrid/core';
import { expect, it } from 'vitest';
import { UnheardNews } from '../../../src/runtime/unheard-news.ts';
import type { UnheardEvent } from '../../../src/supervise/grid-events.ts';

it('tells of twenty failures a second, and of the others by their number', () => {
  const told: UnheardEvent[] = [];
  const clock = new FakeClock();
  const news = new UnheardNews(3, clock, (event) => told.push(event));
  for (let failure = 0; failure < 50; failure++) news.tell(`a/k.f${failure}`, new RangeError('no'));
  expect(told.map(({ command }) => command)).toEqual(Array.from({ length: 20 }, (_, number) => `a/k.f${number}`));
  clock.advance(1000);
  news.tell('a/k.later', 'a text');
  news.tell('a/k.last', new Error('x'.repeat(5000)));
  expect(told.slice(20)).toMatchObject([
    { kind: 'unheard', worker: 3, command: 'a/k.later', reason: 'a text', omitted: 30 },
    { command: 'a/k.last', omitted: 0 },
  ]);
  expect(told.at(-1)?.reason).toHaveLength(1000);
});
