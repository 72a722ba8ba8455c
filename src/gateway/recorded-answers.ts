import { sql } from "kysely";
import type { Clock } from "../lib/clock.ts";
import { prepared } from "../store/prepared.ts";
import type { JobState } from "../store/schema/queue.ts";
import type { Db, Trx } from "../store/schema.ts";
import type { RecordedAnswer, RecordedAnswers } from "./caller.ts";

/** What is kept of one answer, and of one run of a job over all its attempts; what is beyond is bought again. */
const ANSWER_BYTES_MAX = 4 * 1024 * 1024;
const RUN_BYTES_MAX = 64 * 1024 * 1024;
const RUN_ANSWERS_MAX = 2_000;

/**
 * The answers that earlier attempts of a run have bought, for one attempt. Made when the attempt begins: what it buys itself
 * is for the next one, since a program that asks the same twice wants two answers. `job` is the job's key.
 */
export function createRecordedAnswers(db: Db, job: string, clock: Pick<Clock, "nowMs">): RecordedAnswers {
  /** The position behind the answers of earlier attempts, by request; read before this attempt can have added one of its own. */
  const earlier = new Map<string, Promise<number>>();
  const given = new Map<string, number>();
  let sum: Kept | undefined;

  async function keep(trx: Trx, requestHash: string, answer: RecordedAnswer): Promise<void> {
    const bytes = Buffer.byteLength(answer.body);
    sum ??= await readKept(trx, { job });
    const hasRoom = sum.answers < RUN_ANSWERS_MAX && sum.bytes + bytes <= RUN_BYTES_MAX;
    // A lone surrogate would come back as another text.
    if (!hasRoom || bytes > ANSWER_BYTES_MAX || !answer.body.isWellFormed()) return;
    // A transaction that is undone leaves these too high, never too low.
    sum.answers += 1;
    sum.bytes += bytes;
    const { status, contentType, body, entry } = answer;
    await insertAnswer(trx, {
      job,
      requestHash,
      status,
      contentType,
      body,
      entry,
      nowMs: clock.nowMs(),
    });
  }

  return {
    async next(requestHash) {
      // Taken before anything is waited for: two requests at a time must not get the same answer.
      const position = given.get(requestHash) ?? 0;
      given.set(requestHash, position + 1);
      const end = earlier.get(requestHash) ?? readEnd(db, { job, requestHash });
      earlier.set(requestHash, end);
      if (position >= (await end)) return null;
      return (await readAnswer(db, { job, requestHash, position })) ?? null;
    },
    keep,
  };
}

/** What is kept of a run so far. */
interface Kept {
  answers: number;
  bytes: number;
}

async function readKept(db: Db, of: { job: string }): Promise<Kept> {
  const { rows } = await selectKept(db, of);
  return { answers: Number(rows[0]?.answers ?? 0), bytes: Number(rows[0]?.bytes ?? 0) };
}

const selectKept = prepared((db, of: { job: string }) =>
  db
    .selectFrom("answers")
    .select((eb) => [
      eb.fn.countAll<number>().as("answers"),
      eb.fn.coalesce(sql<number>`sum(octet_length(body))`, sql.lit(0)).as("bytes"),
    ])
    .where("job", "=", of.job),
);

async function readEnd(db: Db, of: { job: string; requestHash: string }): Promise<number> {
  return Number((await selectEnd(db, of)).rows[0]?.end ?? 0);
}

const selectEnd = prepared((db, of: { job: string; requestHash: string }) =>
  db
    .selectFrom("answers")
    .select(({ eb, fn }) => eb(fn.max<number>("position"), "+", sql.lit(1)).as("end"))
    .where("job", "=", of.job)
    .where("request_hash", "=", of.requestHash),
);

async function readAnswer(
  db: Db,
  of: { job: string; requestHash: string; position: number },
): Promise<RecordedAnswer | undefined> {
  return (await selectAnswer(db, of)).rows[0];
}

const selectAnswer = prepared((db, of: { job: string; requestHash: string; position: number }) =>
  db
    .selectFrom("answers")
    .select(["status", "content_type as contentType", "body", "entry"])
    .where("job", "=", of.job)
    .where("request_hash", "=", of.requestHash)
    .where("position", "=", of.position),
);

/** Behind the answers to the same request; not for a job that is over, whose answers nobody would take away again. */
const insertAnswer = prepared(
  (db, answer: RecordedAnswer & { job: string; requestHash: string; nowMs: number }) =>
    db
      .insertInto("answers")
      .columns(["job", "request_hash", "position", "entry", "status", "content_type", "body", "made_at"])
      .expression((eb) =>
        eb
          .selectFrom("jobs")
          .select((s) => [
            "jobs.key",
            s.val(answer.requestHash).as("request_hash"),
            s.fn
              .coalesce(
                s
                  .selectFrom("answers")
                  .select(({ eb: e, fn }) => e(fn.max<number>("position"), "+", sql.lit(1)).as("end"))
                  .where("job", "=", answer.job)
                  .where("request_hash", "=", answer.requestHash),
                sql.lit(0),
              )
              .as("position"),
            s.val(answer.entry).as("entry"),
            s.val(answer.status).as("status"),
            s.val(answer.contentType).as("content_type"),
            s.val(answer.body).as("body"),
            s.val(answer.nowMs).as("made_at"),
          ])
          .where("key", "=", answer.job)
          .where("state", "in", [sql.lit<JobState>("ready"), sql.lit<JobState>("running")]),
      ),
);
