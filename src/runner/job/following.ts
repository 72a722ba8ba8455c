import type { JobConfig } from "../../config/config.ts";
import type { RunReport } from "../../delivery/report.ts";
import { enqueue } from "../../queue/enqueue.ts";
import type { JobRow } from "../../queue/job.ts";
import { isPaused } from "../../queue/pause.ts";
import type { Trx } from "../../store/schema.ts";

/** What a run came to, as its receivers are told of it. */
interface Done {
  units: number;
  summary: string;
  told: RunReport;
  files: readonly string[];
}

/**
 * Adds a run of every job that follows on this one (`after`), with what it came to as the payload: in the transaction that marks
 * it done, and once for each of its runs. One that is paused lets it pass, as it does its own times.
 */
export async function enqueueFollowing(
  trx: Trx,
  jobs: readonly JobConfig[],
  run: JobRow,
  { units, summary, told, files }: Done,
  nowMs: number,
): Promise<void> {
  const following = jobs.filter(({ after = [] }) => after.includes(run.name));
  const items = told.sections.flatMap(({ items }) =>
    items.map(({ title, link, text }) => ({ title, link, text })),
  );
  const result = { job: run.name, key: run.key, period: run.label, outcome: "done", units, summary };
  for (const { name, kind, retry } of following) {
    if (await isPaused(trx, name)) continue;
    const payload = { ...result, title: told.title, text: told.text, items, files };
    const slot = { slotMs: run.slot_at, label: run.label, byHand: run.by_hand === 1 };
    // A key is at most 200 characters, and that of a run which follows itself would grow: its id is as good.
    const key = `${name}@after:${run.id}`;
    await enqueue(trx, { key, name, kind, maxAttempts: retry.attempts, payload, ...slot }, nowMs);
  }
}
