import { type Selectable, sql } from "kysely";
import { recoverIncident } from "../alerts/incidents.ts";
import type { DeadLettersTable } from "../store/schema/queue.ts";
import type { Db, Trx } from "../store/schema.ts";
import { deathEvent } from "./dead-letter.ts";
import { EXPECTATION_MISSED } from "./job.ts";
import { forgetAttempt } from "./steps.ts";

/** The runs of one job that died of one cause, as its newest run; `runs` is how many there are. */
export type DeadLetter = Selectable<DeadLettersTable> & { runs: number };

type Cause = Pick<DeadLetter, "name" | "cause">;

/** At most `limit`, the latest first. */
export async function listDeadLetters(db: Db, limit = 1_000): Promise<DeadLetter[]> {
  return await selectDeadLetters(db).limit(limit).execute();
}

/** By the key of any of its runs; else all that a job of this name has; else all with a key that begins so. */
export async function findDeadLetters(db: Db, typed: string): Promise<DeadLetter[]> {
  const word = typed.normalize("NFC");
  for (const condition of [
    sql<boolean>`dead_letters.key = ${word}`,
    sql<boolean>`dead_letters.name = ${word}`,
    sql<boolean>`substr(dead_letters.key, 1, length(${word})) = ${word}`,
  ]) {
    const causes = db.selectFrom("dead_letters").select(["name", "cause"]).where(condition).distinct();
    const found = await selectDeadLetters(db)
      .innerJoin(causes.as("wanted"), (join) =>
        join.onRef("wanted.name", "=", "newest.name").onRef("wanted.cause", "=", "newest.cause"),
      )
      .execute();
    if (found.length > 0) return found;
  }
  return [];
}

/** The keys of its runs, the newest first, at most `limit`. */
export async function deadLetterKeys(db: Db, { name, cause }: Cause, limit: number): Promise<string[]> {
  const rows = await db
    .selectFrom("dead_letters")
    .select("key")
    .where("name", "=", name)
    .where("cause", "=", cause)
    .orderBy("job_id", "desc")
    .limit(limit)
    .execute();
  return rows.map(({ key }) => key);
}

/**
 * Makes the runs of a dead letter ready with their attempts anew: each that was asked for by hand, the newest that the schedule
 * added (as after times that were missed, one run makes up for those before it), and the one that is `named`. What their
 * steps recorded is kept, unless they did not come to what was expected. The rest stay dead, their keys taken.
 * @returns the keys of both
 */
export async function retryDeadLetter(
  trx: Trx,
  deadLetter: Cause,
  named: string | null,
  nowMs: number,
): Promise<{ ready: string[]; left: string[] }> {
  const { name, cause } = deadLetter;
  const runs = await trx
    .selectFrom("dead_letters")
    .innerJoin("jobs", "jobs.id", "dead_letters.job_id")
    .select(["jobs.id", "jobs.key", "jobs.by_hand"])
    .where("dead_letters.name", "=", name)
    .where("dead_letters.cause", "=", cause)
    .orderBy("jobs.id")
    .execute();
  const newest = runs.findLast(({ by_hand }) => by_hand === 0);
  const isWanted = (run: (typeof runs)[number]) => run.by_hand === 1 || run === newest || run.key === named;
  const ready = runs.filter(isWanted);
  for (const run of ready) {
    const { id } = run;
    // What it did then would come to the same again.
    if (cause === EXPECTATION_MISSED) await forgetAttempt(trx, run);
    await trx
      .updateTable("jobs")
      .set({ state: "ready", attempts: 0, run_at: nowMs, error: null, updated_at: nowMs })
      .where("id", "=", id)
      .where("state", "=", "dead")
      .execute();
  }
  await dropDeadLetter(trx, deadLetter, nowMs);
  const keys = (list: typeof runs) => list.map(({ key }) => key);
  return { ready: keys(ready), left: keys(runs.filter((run) => !isWanted(run))) };
}

/** Drops a dead letter for good. The keys of its runs stay taken, so that dropping it runs none of them again. */
export async function dropDeadLetter(trx: Trx, { name, cause }: Cause, nowMs: number): Promise<void> {
  await trx.deleteFrom("dead_letters").where("name", "=", name).where("cause", "=", cause).execute();
  await recoverIncident(trx, { event: deathEvent(cause), subject: `${name}:${cause}` }, nowMs);
}

/** Ids of jobs grow with time. The index on name, cause and id has all that the groups are made of. */
function selectDeadLetters(db: Db) {
  const groups = db
    .selectFrom("dead_letters")
    .select((eb) => [
      "name",
      "cause",
      eb.fn.max<string>("job_id").as("job_id"),
      eb.fn.countAll<number>().as("runs"),
    ])
    .groupBy(["name", "cause"]);
  return db
    .selectFrom(groups.as("newest"))
    .innerJoin("dead_letters", "dead_letters.job_id", "newest.job_id")
    .selectAll("dead_letters")
    .select("newest.runs")
    .orderBy("dead_letters.died_at", "desc")
    .orderBy("dead_letters.job_id", "desc");
}
