import type { Trx } from "../../store/schema.ts";
import { type Ages, BYTES, idAt, ROWS, type Sweep } from "./sweep.ts";

/** Jobs that one step looks at. */
const JOBS = 20;

/**
 * Removes what the steps of finished jobs recorded. A job that is ready, that runs, or that a person may yet retry keeps
 * all of its steps: what it paid for is replayed and never bought twice.
 */
export const stepsSweep: Sweep = {
  name: "steps",
  async step(trx, ages, after) {
    const left = { rows: ROWS, bytes: BYTES };
    let done = after;
    for (let count = 0; count < JOBS && left.rows > 0 && left.bytes > 0; count++) {
      const job = await nextJob(trx, done, ages);
      if (job === undefined) return { removed: ROWS - left.rows, next: null };
      const isAllGone = !job.mayGo || (await removeSteps(trx, job.id, left));
      if (isAllGone) done = job.id;
    }
    return { removed: ROWS - left.rows, next: done };
  },
};

/** The next job that has steps, and whether they may go; each is found by the index, however many steps the one before has. */
async function nextJob(trx: Trx, after: string, { stepsMs, keptJobs }: Ages) {
  const job = await trx
    .selectFrom("jobs")
    .leftJoin("dead_letters", "dead_letters.job_id", "jobs.id")
    .select(["jobs.id", "jobs.state", "jobs.updated_at", "dead_letters.job_id as dead_letter"])
    .where("jobs.id", "=", (eb) =>
      eb
        .selectFrom("steps")
        .select((s) => s.fn.min<string>("job_id").as("id"))
        .where("job_id", ">", after)
        .where("job_id", "<", idAt(stepsMs)),
    )
    .executeTakeFirst();
  if (job === undefined) return undefined;
  const isOver = job.state === "done" || (job.state === "dead" && job.dead_letter === null);
  return { id: job.id, mayGo: isOver && job.updated_at < stepsMs && !keptJobs.has(job.id) };
}

/** Removes as many as there is room for, one at least; true when none is left. */
async function removeSteps(trx: Trx, jobId: string, left: { rows: number; bytes: number }): Promise<boolean> {
  const steps = await trx
    .selectFrom("steps")
    .select((eb) => ["name", eb.fn<number>("octet_length", ["result"]).as("bytes")])
    .where("job_id", "=", jobId)
    .limit(left.rows)
    .execute();
  const names: string[] = [];
  for (const { name, bytes } of steps) {
    if (left.bytes <= 0) break;
    names.push(name);
    left.bytes -= bytes;
  }
  const isAll = names.length === steps.length && steps.length < left.rows;
  left.rows -= names.length;
  await trx.deleteFrom("steps").where("job_id", "=", jobId).where("name", "in", names).execute();
  return isAll;
}
