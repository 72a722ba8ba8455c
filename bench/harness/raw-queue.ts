import type Database from "better-sqlite3";

/**
 * Claim and complete on afk's own table, as somebody would write them who knows SQLite well: statements prepared once,
 * one conditional update each, the number of rows looked at. The plus keeps SQLite from planning anew for each value.
 */
export function rawQueue(database: Database.Database): () => void {
  const claim = database.prepare(
    `update jobs set state = 'running', attempts = attempts + 1, token = token + 1, lease_until = @now + 30000,
       runner = 'runner', updated_at = @now
     where state = 'ready' and id = (
       select id from jobs where state = 'ready' and run_at <= +@now order by run_at, id limit 1)
     returning *`,
  );
  const complete = database.prepare(
    `update jobs set state = 'done', lease_until = null, runner = null, error = null, units = 1, updated_at = @now
     where id = @id and token = @token and state = 'running'`,
  );
  const completing = database.transaction((job: object) => {
    if (complete.run(job).changes !== 1) throw new Error("the lease was lost");
  });
  return () => {
    const now = Date.now();
    const job = claim.get({ now }) as { id: string; token: number } | undefined;
    if (job === undefined) throw new Error("the queue ran empty");
    completing.immediate({ id: job.id, token: job.token, now });
  };
}
