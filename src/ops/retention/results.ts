import { sql } from "kysely";
import { idAt, ROWS, type Sweep } from "./sweep.ts";

/** Results of one job that are kept, the newest; a job may run every minute, and what is no news drives out none that is. */
const KEPT = 100;

/**
 * Removes old results, and those beyond the newest of their job, with their deliveries. One that waits for a receiver stays, and
 * so do those of the runs that the page shows.
 */
export const resultsSweep: Sweep = {
  name: "results",
  async step(trx, ages, after) {
    const rows = await trx
      .selectFrom("results")
      .select(["job_id", "outcome", "created_at"])
      .select(
        sql<number>`(select count(*) from (select 1 from results as newer where newer.name = results.name
          and newer.is_news >= results.is_news and newer.created_at > results.created_at
          limit ${KEPT}) as some_newer)`.as("newer"),
      )
      .select(
        sql<number>`case when exists (select 1 from deliveries where deliveries.job_id = results.job_id
          and deliveries.outcome = results.outcome and state = 'pending') then 1 else 0 end`.as("is_waiting"),
      )
      .where("job_id", ">", after)
      .where("job_id", "<", idAt(ages.nowMs + 1))
      .orderBy("job_id")
      .orderBy("outcome")
      .limit(ROWS)
      .execute();
    const gone = rows.filter(
      ({ job_id, created_at, newer, is_waiting }) =>
        is_waiting === 0 &&
        (Number(newer) >= KEPT || (created_at < ages.historyMs && !ages.keptJobs.has(job_id))),
    );
    for (const { job_id, outcome } of gone) {
      await trx
        .deleteFrom("deliveries")
        .where("job_id", "=", job_id)
        .where("outcome", "=", outcome)
        .execute();
      await trx.deleteFrom("results").where("job_id", "=", job_id).where("outcome", "=", outcome).execute();
    }
    // A run has up to three outcomes: those behind the last full run are looked at again.
    const last = rows.at(-1)?.job_id;
    const next = rows.findLast(({ job_id }) => job_id !== last)?.job_id ?? last;
    return { removed: gone.length, next: rows.length < ROWS ? null : (next ?? null) };
  },
};
