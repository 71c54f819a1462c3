/** Prometheus text of the grid's counters. */
import { ASK_BOUNDS_MICROS, type GridStats } from '@spacegrid/actors';

export function metricsText(stats: GridStats): string {
  const lines: string[] = [];
  const metric = (
    name: string,
    type: string,
    help: string,
    samples: readonly (readonly [labels: string, value: number])[],
  ): void => {
    lines.push(`# HELP spacegrid_${name} ${help}`, `# TYPE spacegrid_${name} ${type}`);
    for (const [labels, value] of samples) lines.push(`spacegrid_${name}${labels} ${value}`);
  };
  const workers = stats.workers;
  const ofWorkers = (value: (worker: (typeof workers)[number]) => number) =>
    workers.map((worker) => [`{worker="${worker.worker}"}`, value(worker)] as const);
  metric(
    'commands_total',
    'counter',
    'Commands run.',
    ofWorkers((worker) => worker.counters.commands),
  );
  metric(
    'queries_total',
    'counter',
    'Queries run in partitions.',
    ofWorkers((worker) => worker.counters.queries),
  );
  metric(
    'errors_total',
    'counter',
    'Calls answered with an error.',
    ofWorkers((worker) => worker.counters.errors),
  );
  metric(
    'undone_turns_total',
    'counter',
    'Turns undone.',
    ofWorkers((worker) => worker.counters.undone),
  );
  metric(
    'busy_seconds_total',
    'counter',
    'Time spent on requests.',
    ofWorkers((worker) => worker.counters.busyMicros / 1e6),
  );
  metric(
    'active_actors',
    'gauge',
    'Actors that a thread holds active.',
    ofWorkers((worker) => worker.counters.activations),
  );
  metric(
    'watches',
    'gauge',
    'Standing queries.',
    ofWorkers((worker) => worker.counters.watches),
  );
  metric(
    'worker_starts_total',
    'counter',
    'Threads that have served as this worker.',
    ofWorkers((worker) => worker.incarnation),
  );
  metric(
    'mailbox_depth',
    'gauge',
    'Requests taken and not yet run.',
    ofWorkers((worker) => worker.counters.queued),
  );
  metric(
    'refused_total',
    'counter',
    'Requests refused before they ran.',
    ofWorkers((worker) => worker.counters.refused),
  );
  metric(
    'messages_total',
    'counter',
    'Messages sent by turns.',
    ofWorkers((worker) => worker.counters.messages),
  );
  metric(
    'idempotent_replies_total',
    'counter',
    'Retries that got the first answer.',
    ofWorkers((worker) => worker.counters.once),
  );
  metric(
    'worker_heap_bytes',
    'gauge',
    'JavaScript heap of a thread.',
    ofWorkers((worker) => worker.heapBytes),
  );
  const clients = stats.clients;
  const ofClients = (value: (client: (typeof clients)[number]) => number) =>
    clients.map((client) => [`{client="${client.client}"}`, value(client)] as const);
  metric(
    'calls_total',
    'counter',
    'Calls sent.',
    ofClients((client) => client.counters.calls),
  );
  lines.push(...askSeconds(stats));
  metric(
    'peeks_total',
    'counter',
    'Peeks.',
    ofClients((client) => client.counters.peeks),
  );
  metric(
    'peek_hits_total',
    'counter',
    'Peeks that found their actor.',
    ofClients((client) => client.counters.peekHits),
  );
  metric(
    'peek_retries_total',
    'counter',
    'Peeks repeated.',
    ofClients((client) => client.counters.peekRetries),
  );
  const sumOf = (counter: keyof (typeof workers)[number]['counters']): number =>
    workers.reduce((sum, { counters }) => sum + counters[counter], 0);
  metric('actors', 'gauge', 'Actors of types that unload: in memory, and in the store alone.', [
    ['{state="loaded"}', sumOf('actorsLoaded')],
    ['{state="unloaded"}', sumOf('actorsUnloaded')],
  ]);
  metric('actor_unloads_total', 'counter', 'Actors that left memory.', [['', sumOf('unloads')]]);
  metric('actor_loads_total', 'counter', 'Actors read back from the store.', [
    ['{outcome="loaded"}', sumOf('loads')],
    ['{outcome="failed"}', sumOf('loadFailures')],
  ]);
  metric('actor_load_seconds_total', 'counter', 'From the first call of an unloaded actor until it was there.', [
    ['', sumOf('loadMicros') / 1e6],
  ]);
  metric('expirations_total', 'counter', 'Entries of maps removed after their time.', [['', sumOf('expirations')]]);
  metric('evictions_total', 'counter', 'Entries removed from full maps.', [
    ['{policy="lru"}', sumOf('evictionsLru')],
    ['{policy="lfu"}', sumOf('evictionsLfu')],
  ]);
  metric('map_reads_total', 'counter', 'Reads by key of maps that expire or evict.', [
    ...workers.flatMap(({ worker, counters }) => readsOf(`worker="${worker}"`, counters)),
    ...clients.flatMap(({ client, counters }) => readsOf(`client="${client}"`, counters)),
  ]);
  const { verify } = stats;
  metric('verify_runs_total', 'counter', 'Times that memory was compared with the store.', [['', verify.runs]]);
  metric('verify_last_timestamp_seconds', 'gauge', 'When the last of them began; 0 before the first.', [
    ['', verify.lastAt / 1000],
  ]);
  metric('verify_last_seconds', 'gauge', 'How long it took.', [['', verify.lastMs / 1000]]);
  metric('verify_last_differences', 'gauge', 'What it found, and left as it is.', [
    ['{state="found"}', verify.lastFound],
    ['{state="left"}', verify.lastFound - verify.lastRepaired],
  ]);
  metric('verify_differences_total', 'counter', 'Differences that were found, and repaired.', [
    ['{outcome="found"}', verify.found],
    ['{outcome="repaired"}', verify.repaired],
  ]);
  const partitions = stats.partitions;
  const ofPartitions = (value: (partition: (typeof partitions)[number]) => number) =>
    partitions.map((partition) => [`{partition="${partition.partition}"}`, value(partition)] as const);
  metric(
    'sequence_total',
    'counter',
    'Committed turns.',
    ofPartitions((partition) => partition.sequence),
  );
  metric(
    'unpersisted_turns',
    'gauge',
    'Committed and not yet durable.',
    ofPartitions((partition) => partition.sequence - partition.durableSequence),
  );
  metric(
    'heap_bytes',
    'gauge',
    'Shared memory in use.',
    ofPartitions((partition) => partition.usedBytes),
  );
  metric('recoveries_total', 'counter', 'Partition threads replaced.', [
    ['', workers.reduce((sum, worker) => sum + Math.max(0, worker.incarnation - 1), 0)],
  ]);
  metric('last_recovery_seconds', 'gauge', 'How long the last replacement of a thread took.', [
    ['', (stats.recoveries.at(-1)?.recoveredAfterMs ?? 0) / 1000],
  ]);
  metric('resident_memory_bytes', 'gauge', 'Memory of the process.', [['', process.memoryUsage.rss()]]);
  const durability = stats.durability;
  if (durability !== undefined) {
    metric('durability_healthy', 'gauge', '1 while the store is healthy.', [
      ['', durability.health === 'healthy' ? 1 : 0],
    ]);
    metric('unpersisted_bytes', 'gauge', 'Committed and not yet durable.', [['', durability.unpersistedBytes]]);
    metric('unpersisted_age_seconds', 'gauge', 'How long the oldest of it has waited.', [
      ['', durability.unpersistedAgeMs / 1000],
    ]);
    metric('fold_lag_bytes', 'gauge', 'Journalled and not yet folded into rows.', [['', durability.foldLagBytes]]);
    metric('quarantined_rows', 'gauge', 'Rows that can not be folded.', [['', durability.quarantinedCount]]);
    metric('flushes_total', 'counter', 'Batches synced.', [['', durability.flushes]]);
    metric('flush_seconds', 'gauge', 'Time of the last flush.', [['', durability.lastFlushMs / 1000]]);
    metric('journal_bytes', 'gauge', 'Size of the journal file.', [['', durability.journalBytes]]);
    metric('rows_bytes', 'gauge', 'Size of the rows file.', [['', durability.rowBytes]]);
  }
  return `${lines.join('\n')}\n`;
}

/** A histogram of each thread that calls. */
function askSeconds({ clients }: GridStats): string[] {
  const name = 'spacegrid_ask_seconds';
  const lines = [
    `# HELP ${name} From a call until its answer is taken, of one call in sixteen.`,
    `# TYPE ${name} histogram`,
  ];
  for (const { client, askTimes } of clients) {
    let sum = 0;
    for (const [bucket, count] of askTimes.counts.entries()) {
      sum += count;
      const bound = ASK_BOUNDS_MICROS[bucket];
      lines.push(`${name}_bucket{client="${client}",le="${bound === undefined ? '+Inf' : bound / 1e6}"} ${sum}`);
    }
    lines.push(`${name}_sum{client="${client}"} ${askTimes.sumSeconds}`, `${name}_count{client="${client}"} ${sum}`);
  }
  return lines;
}

function readsOf(
  thread: string,
  { mapHits, mapMisses }: { readonly mapHits: number; readonly mapMisses: number },
): readonly (readonly [labels: string, value: number])[] {
  return [
    [`{${thread},result="hit"}`, mapHits],
    [`{${thread},result="miss"}`, mapMisses],
  ];
}
