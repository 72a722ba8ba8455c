import { countIncident } from "../alerts/incidents.ts";
import type { Announce } from "../alerts/outbox.ts";
import { AfkError, messageOf } from "../lib/errors.ts";
import { asSentence, endOfError } from "../lib/text.ts";
import type { Trx } from "../store/schema.ts";
import { changeClaimed, EXPECTATION_MISSED, type JobRow, UNCLAIMED } from "./job.ts";

/** How a job became a dead letter. */
interface Death {
  error: string;
  /** What it died of; taken from the error unless given. */
  cause?: string;
  /** How it came to it, behind "Job … ": `failed 5 of 5 times`. */
  fate: string;
  tick: string | null;
  nowMs: number;
}

/**
 * Moves a running job to the dead letters, where it waits for a person, and raises the alert in the same transaction. As
 * long as a person has not seen to one, the next runs of the job that die of the same cause are counted with it and told
 * of by nothing more.
 */
export async function deadLetter(
  trx: Trx,
  announce: Announce,
  job: JobRow,
  { error, cause = causeOf(error), fate, tick, nowMs }: Death,
): Promise<void> {
  const dead = { state: "dead", error, waiting_since: null, updated_at: nowMs } as const;
  await changeClaimed(trx, job, { ...UNCLAIMED, ...dead });
  const { key, name, kind, payload, attempts } = job;
  const trace = JSON.stringify({ tick, steps: await stepNames(trx, job.id) });
  await trx
    .insertInto("dead_letters")
    .values({ job_id: job.id, key, name, kind, payload, error, cause, attempts, trace, died_at: nowMs })
    .execute();
  const subject = `${name}:${cause}`;
  const event = deathEvent(cause);
  if (await countIncident(trx, { event, subject }, nowMs)) return;
  const end = event === "job_dead" ? "gave up" : "did not give what was expected";
  await announce(trx, {
    event,
    title: `${name} ${end}`,
    message: `It ${fate} and waits for you. ${asSentence(endOfError(error))} Look: afk dead show ${name}`,
    subject,
    occurrence: `${job.id}.${job.token}`,
    job: key,
    ...(tick === null ? {} : { tick }),
  });
}

/** The alert that tells of a dead letter, by what it died of. */
export function deathEvent(cause: string): "job_dead" | "expectation_missed" {
  return cause === EXPECTATION_MISSED ? "expectation_missed" : "job_dead";
}

const CAUSE_CHARS_MAX = 100;

/** The code of an expected failure; of any other, its text without the figures that differ from run to run. */
export function causeOf(error: unknown): string {
  if (error instanceof AfkError) return error.code;
  return messageOf(error).replace(/\d+/g, "#").replace(/\s+/g, " ").slice(0, CAUSE_CHARS_MAX);
}

async function stepNames(trx: Trx, jobId: string): Promise<string[]> {
  const rows = await trx
    .selectFrom("steps")
    .select("name")
    .where("job_id", "=", jobId)
    .orderBy("created_at", "desc")
    .orderBy("name")
    .limit(200)
    .execute();
  return rows.map((row) => row.name);
}
