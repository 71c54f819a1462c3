export { type Burst, type Case, measureRounds, type RoundOptions, type Sample } from './rounds.ts';
export { rates, ratesPerCpu, ratioOf, type Spread, spreadOf } from './spread.ts';
