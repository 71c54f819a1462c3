/** A binary heap of what is due when, by wall-clock milliseconds. */
export interface Due {
  readonly dueAt: number;
  readonly id: string;
}

export class DueQueue<T extends Due> {
  private readonly items: T[] = [];

  get size(): number {
    return this.items.length;
  }

  /** When the next is due; Infinity when nothing is. */
  get nextAt(): number {
    return this.items[0]?.dueAt ?? Number.POSITIVE_INFINITY;
  }

  push(item: T): void {
    const { items } = this;
    let at = items.length;
    items.push(item);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = items[parent] as T;
      if (above.dueAt <= item.dueAt) break;
      items[at] = above;
      at = parent;
    }
    items[at] = item;
  }

  /** Takes the next that is due at `nowMs`. */
  take(nowMs: number): T | undefined {
    const { items } = this;
    const first = items[0];
    if (first === undefined || first.dueAt > nowMs) return undefined;
    const last = items.pop() as T;
    if (items.length > 0) this.sift(last);
    return first;
  }

  private sift(item: T): void {
    const { items } = this;
    let at = 0;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && (items[child + 1] as T).dueAt < (items[child] as T).dueAt) child++;
      const below = items[child] as T;
      if (below.dueAt >= item.dueAt) break;
      items[at] = below;
      at = child;
    }
    items[at] = item;
  }
}
