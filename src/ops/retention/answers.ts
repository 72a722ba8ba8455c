import { BYTES, ROWS, type Sweep } from "./sweep.ts";

/**
 * Removes the recorded answers of runs that are over: the next run of the job buys its own. One that a person may yet retry
 * keeps them as long as steps are kept, and no longer, since a run may have 64 MiB of them.
 */
export const answersSweep: Sweep = {
  name: "answers",
  async step(trx, { stepsMs }) {
    const old = await trx
      .selectFrom("answers")
      .leftJoin("jobs", "jobs.key", "answers.job")
      .leftJoin("dead_letters", "dead_letters.job_id", "jobs.id")
      .select(["answers.job", "answers.request_hash", "answers.position"])
      .select((eb) => eb.fn<number>("octet_length", ["answers.body"]).as("bytes"))
      .where(({ eb, or, and }) =>
        or([
          eb("jobs.id", "is", null),
          eb("jobs.state", "=", "done"),
          and([
            eb("jobs.state", "=", "dead"),
            or([eb("dead_letters.job_id", "is", null), eb("answers.made_at", "<", stepsMs)]),
          ]),
        ]),
      )
      .limit(ROWS)
      .execute();
    let bytes = 0;
    let removed = 0;
    for (const { bytes: size, ...key } of old) {
      if (bytes > BYTES) break;
      bytes += size;
      removed += 1;
      await trx
        .deleteFrom("answers")
        .where("job", "=", key.job)
        .where("request_hash", "=", key.request_hash)
        .where("position", "=", key.position)
        .execute();
    }
    // Each step looks from the beginning: what was seen and stays is few, as jobs that are not over are.
    return { removed, next: removed > 0 ? "" : null };
  },
};
