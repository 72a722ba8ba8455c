import { join } from "node:path";
import { checkCounters, type Entry, SELECT_ENTRIES } from "./counters.ts";
import { createQueueCheck } from "./queue.ts";
import { openReader } from "./reader.ts";

/**
 * What is wrong with a state directory at which nothing is at work, a sentence each; empty where all is right: counters equal
 * the ledger, no job is under way or lost, and every output is the file that its job wrote.
 */
export function findBreaches(state: string): string[] {
  const breaches: string[] = [];
  const report = (invariant: string, message: string) => void breaches.push(`${invariant}: ${message}`);
  using reader = openReader(join(state, "afk.db"));
  checkCounters(reader, reader.all<Entry>(SELECT_ENTRIES), [], report);
  createQueueCheck(join(state, "out"), report).check(reader, { isAtRest: true, oldMs: 0 });
  return breaches;
}

/** What the ledger charges, in micro-dollars: what calls cost, and the worst case of those whose end is not known. */
export function chargedMicros(state: string): number {
  using reader = openReader(join(state, "afk.db"));
  const row = reader.one<{ micros: number }>(
    `select coalesce(sum(coalesce(cost_micros, estimate_micros)), 0) as micros
     from ledger where state <> 'released'`,
  );
  return row?.micros ?? 0;
}
