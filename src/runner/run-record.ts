import { readMeta, writeMeta } from "../store/meta.ts";
import type { Parts } from "./parts.ts";

/**
 * Does `work` as a loop whose beginning and end are on record: one that began, did not end, and holds no lock has died,
 * which nobody would notice before its next tick is late. An error is no end: it is told of as a death is.
 */
export async function recordRun<T>({ store, clock, log }: Parts, work: () => Promise<T>): Promise<T> {
  log.event("info", "run_started");
  await store.atomically(async (trx) => {
    await writeMeta(trx, "run_began_at", clock.nowMs());
    await writeMeta(trx, "run_ended_at", 0);
  });
  const result = await work();
  await store.atomically((trx) => writeMeta(trx, "run_ended_at", clock.nowMs()));
  log.event("info", "run_ended");
  return result;
}

/** A tick from elsewhere, a timer for one, is how the agent runs now: between two of them nobody is missing. */
export async function forgetRun({ store }: Parts): Promise<void> {
  if ((await readMeta(store.db, "run_began_at")) === 0) return;
  await store.atomically((trx) => writeMeta(trx, "run_began_at", 0));
}
