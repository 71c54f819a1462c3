/** One measured row: ours, and each peer that ran in the same rounds. */
import type { Sample } from './rounds.ts';
import { ratesPerCpu, rates, ratioOf, type Spread, spreadOf } from './spread.ts';

export interface PeerFigures {
  readonly name: string;
  /** Operations a second. */
  readonly rate: Spread;
  /** Operations per second of processor time. */
  readonly cpuRate: Spread;
  /** Ours divided by the peer's. */
  readonly ratio: Spread;
  /** The same per second of processor time. */
  readonly cpuRatio: Spread;
  /** Ratio that is to be reached; undefined where none is set for this peer. */
  readonly must: number | undefined;
  readonly met: boolean | undefined;
}

export interface RateRow {
  readonly kind: 'rate';
  readonly name: string;
  readonly title: string;
  readonly rate: Spread;
  readonly cpuRate: Spread;
  readonly peers: readonly PeerFigures[];
}

/** A figure that is no rate: bytes, seconds. */
export interface AmountRow {
  readonly kind: 'amount';
  readonly name: string;
  readonly title: string;
  readonly amount: number;
  readonly unit: string;
  /** The peer's figure in the same unit. */
  readonly peer: { readonly name: string; readonly amount: number } | undefined;
  /** Most that it may be; undefined where nothing is set. */
  readonly most: number | undefined;
  readonly met: boolean | undefined;
}

export type Row = RateRow | AmountRow;

export interface PeerOf {
  readonly name: string;
  readonly must?: number;
}

/** A row of one case and its peers, out of the samples of all cases that ran together. */
export function rateRow(
  samples: ReadonlyMap<string, readonly Sample[]>,
  name: string,
  title: string,
  peers: readonly PeerOf[],
): RateRow {
  const ours = samplesOf(samples, name);
  const own = rates(ours);
  const ownCpu = ratesPerCpu(ours);
  return {
    kind: 'rate',
    name,
    title,
    rate: spreadOf(own),
    cpuRate: spreadOf(ownCpu),
    peers: peers.map((peer) => {
      const theirs = samplesOf(samples, peer.name);
      const ratio = ratioOf(own, rates(theirs));
      return {
        name: peer.name,
        rate: spreadOf(rates(theirs)),
        cpuRate: spreadOf(ratesPerCpu(theirs)),
        ratio,
        cpuRatio: ratioOf(ownCpu, ratesPerCpu(theirs)),
        must: peer.must,
        met: peer.must === undefined ? undefined : ratio.median >= peer.must,
      };
    }),
  };
}

export function amountRow(
  name: string,
  title: string,
  amount: number,
  unit: string,
  beside: { readonly peer?: { readonly name: string; readonly amount: number }; readonly most?: number } = {},
): AmountRow {
  const { peer, most } = beside;
  return {
    kind: 'amount',
    name,
    title,
    amount,
    unit,
    peer,
    most,
    met: most === undefined ? undefined : amount <= most,
  };
}

function samplesOf(samples: ReadonlyMap<string, readonly Sample[]>, name: string): readonly Sample[] {
  const found = samples.get(name);
  if (found === undefined) throw new Error(`nothing named "${name}" was measured`);
  return found;
}
