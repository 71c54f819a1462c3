import { accessTick } from '../state/access-tick.ts';

/** The tick of accesses (access-tick.ts) as a partition thread sees it: read once a round. */
export class AccessClock {
  tick: number;

  constructor() {
    this.tick = accessTick();
  }

  read(): void {
    this.tick = accessTick();
  }
}
