/** What the compiler infers and refuses. The checks are made when the tests are type-checked; running them shows nothing more. */
import {
  type ActorRef,
  defineActor,
  type Grid,
  i32,
  map,
  packed,
  ranking,
  type RankingEntry,
  type Receipt,
  text,
  type WatchEvent,
} from '@spacegrid/actors';
import { describe, expectTypeOf, it } from 'vitest';

interface Tag {
  readonly name: string;
  readonly weights: readonly number[];
}

type Phase = 'new' | 'running' | 'over';
// As functions: the linter takes an assertion here for a needless one, and its fix would change the inferred state.
const phase = (): Phase => 'new';
const role = (): 'guest' | 'host' => 'guest';

const Maybe = defineActor('maybe', {
  state: { at: packed<Date | null>(null), any: packed<unknown>(null), name: null as string | null },
  queries: { at: (view) => view.state.at, any: (view) => view.state.any },
});

const Board = defineActor('board', {
  state: {
    title: '',
    open: true,
    phase: phase(),
    count: 0,
    small: i32(),
    note: text(100),
    tags: packed<Tag[]>([]),
    settings: { colour: 'red', limits: [1, 2] },
    entries: ranking({ order: 'desc' }),
    players: map({ joined: 0, role: role(), name: text(), tag: packed<Tag | undefined>(undefined) }),
  },
  commands: {
    submit(turn, player: string, points: number) {
      expectTypeOf(turn.state.title).toEqualTypeOf<string>();
      expectTypeOf(turn.state.count).toEqualTypeOf<number>();
      expectTypeOf(turn.state.open).toEqualTypeOf<boolean>();
      expectTypeOf(turn.state.entries.add).returns.toEqualTypeOf<number>();
      turn.state.title = 'x';
      turn.state.settings = { colour: 'blue', limits: [] };
      turn.state.players.set(player, { joined: 1, role: 'host', name: 'a', tag: undefined });
      expectTypeOf(turn.state.phase).toEqualTypeOf<Phase>();
      turn.state.phase = 'over';
      // @ts-expect-error a union of texts takes no other text
      turn.state.phase = 'ended';
      // @ts-expect-error nor does one in an entry
      turn.state.players.patch(player, { role: 'king' });
      // @ts-expect-error a text is no number
      turn.state.count = 'many';
      // @ts-expect-error packed values are read-only: assign a new one
      turn.state.settings.colour = 'green';
      // @ts-expect-error structures are not assigned
      turn.state.entries = ranking();
      // @ts-expect-error there is no such field
      turn.state.missing = 1;
      // @ts-expect-error an entry needs all its fields
      turn.state.players.set(player, { joined: 1 });
      turn.state.players.patch(player, { joined: 2 });
      return { points, rank: turn.state.entries.rank(player) };
    },
    async later(turn, ms: number) {
      await Promise.resolve(ms);
      return turn.step((state) => (state.count += 1));
    },
    nothing() {},
  },
  queries: {
    top(view, count: number) {
      // @ts-expect-error queries only read
      view.state.title = 'x';
      // @ts-expect-error queries only read
      view.state.entries.add('a', 1);
      // @ts-expect-error queries only read
      view.state.players.delete('a');
      return view.state.entries.top(count);
    },
    phase: (view) => view.state.phase,
    joined: (view, player: string) => view.state.players.field(player, 'joined'),
  },
});

/** Never called: its body is type-checked. */
async function uses(grid: Grid): Promise<void> {
  const board = grid.actor(Board, 'eu');
  expectTypeOf(board).toEqualTypeOf<ActorRef<typeof Board>>();
  expectTypeOf(board.peek.phase()).toEqualTypeOf<Phase>();
  expectTypeOf(await board.submit('ada', 1)).toEqualTypeOf<{ points: number; rank: number | undefined }>();
  expectTypeOf(await board.later(5)).toEqualTypeOf<number>();
  expectTypeOf(await board.top(3)).toEqualTypeOf<RankingEntry[]>();
  expectTypeOf(board.peek.top(3)).toEqualTypeOf<RankingEntry[]>();
  expectTypeOf(board.peek.joined('ada')).toEqualTypeOf<number | undefined>();
  expectTypeOf(await board.peekOrAsk.joined('ada')).toEqualTypeOf<number | undefined>();
  expectTypeOf(board.tell.submit('ada', 1)).toEqualTypeOf<void>();
  for await (const event of board.watch.top(1)) expectTypeOf(event).toEqualTypeOf<WatchEvent<RankingEntry[]>>();
  const { value, receipt } = await board.with({ receipt: true }).later(1);
  expectTypeOf(value).toEqualTypeOf<number>();
  expectTypeOf(receipt).toEqualTypeOf<Receipt>();
  expectTypeOf(await board.with({ ack: 'durable', timeout: 5 }).later(1)).toEqualTypeOf<number>();
  const maybe = grid.actor(Maybe, 'x');
  expectTypeOf(maybe.peek.at()).toEqualTypeOf<Date | null>();
  expectTypeOf(maybe.peek.any()).toEqualTypeOf<unknown>();
  // @ts-expect-error points are a number
  void board.submit('ada', '1');
  // @ts-expect-error an argument is missing
  void board.submit('ada');
  // @ts-expect-error there is no such handler
  void board.sumbit('ada', 1);
  // @ts-expect-error only queries are peeked
  void board.peek.submit('ada', 1);
  // @ts-expect-error only queries are watched
  void board.watch.submit('ada', 1);
  // @ts-expect-error only commands are told
  void board.tell.top(1);
  // @ts-expect-error there is no such level
  void board.with({ ack: 'disk' });
  // @ts-expect-error keys are texts
  void grid.actor(Board, 7);
}

describe('types', () => {
  it('are inferred from the definition, and wrong use does not compile', () => {
    expectTypeOf(Board.name).toEqualTypeOf<'board'>();
    expectTypeOf(uses).returns.toEqualTypeOf<Promise<void>>();
  });
});
