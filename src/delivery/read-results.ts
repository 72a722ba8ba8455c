import type { Selectable } from "kysely";
import type { Config } from "../config/config.ts";
import { toIso } from "../lib/clock.ts";
import type { ResultsTable } from "../store/schema/results.ts";
import type { Db } from "../store/schema.ts";
import type { Result } from "./result.ts";
import { isWanted } from "./results.ts";

/** A kept result in the form that the forms take; `run` is its job's key, `key` that of the delivery. */
export function toResult(
  row: Selectable<ResultsTable>,
  { run, key, config }: { run: string; key: string; config: Pick<Config, "agent" | "dashboard"> },
): Result {
  const { name: job, label, outcome, is_news, created_at: createdMs } = row;
  return {
    ...{ key, run, job, label, outcome, createdMs },
    agent: config.agent,
    isNews: is_news === 1,
    report: JSON.parse(row.report),
    pageUrl: pageOf(config.dashboard.url, JSON.parse(row.report).files ?? []),
  };
}

/** Where the page shows the result: its Markdown or text file, else the page itself. */
function pageOf(url: string | null, files: readonly string[]): string | null {
  const shown = files.find((name) => /\.(?:md|txt)$/.test(name));
  if (url === null || shown === undefined) return url;
  return `${url.replace(/\/+$/, "")}/files/${encodeURIComponent(shown)}`;
}

/** The result that a delivery is of. */
export async function readResult(
  db: Db,
  delivery: { key: string; job_id: string; outcome: Result["outcome"] },
  config: Config,
): Promise<Result | null> {
  const row = await db
    .selectFrom("results")
    .selectAll()
    .where("job_id", "=", delivery.job_id)
    .where("outcome", "=", delivery.outcome)
    .executeTakeFirst();
  if (row === undefined) return null;
  // A run says more than once how far it is, and may fail twice: that is no repeat.
  const key = row.outcome === "done" ? delivery.key : `${delivery.key}:${toIso(row.created_at)}`;
  return toResult(row, { run: await runKey(db, delivery.job_id), key, config });
}

/** The key of a run; its id once retention has removed it. */
export async function runKey(db: Db, jobId: string): Promise<string> {
  const job = await db.selectFrom("jobs").select("key").where("id", "=", jobId).executeTakeFirst();
  return job?.key ?? jobId;
}

/** Entries of the feed: what readers show. */
const FEED_MAX = 100;
const FEED_BYTES_MAX = 4 * 1024 * 1024;
const KINDS_OF_RESULT = [
  { outcome: "done", is_news: 1 },
  { outcome: "done", is_news: 0 },
  { outcome: "dead", is_news: 1 },
  { outcome: "dead", is_news: 0 },
] as const;

/** The kept results of every job that delivers to the feed, as far as that entry wants them, the newest first. */
export async function feedResults(
  db: Db,
  config: Pick<Config, "agent" | "dashboard" | "jobs">,
): Promise<Result[]> {
  const wanted = config.jobs.flatMap(({ name, deliver }) => {
    const feeds = deliver.filter(({ target }) => target.type === "feed");
    return KINDS_OF_RESULT.flatMap(({ outcome, is_news }) =>
      feeds.some((feed) => isWanted(feed, outcome, is_news === 1)) ? [{ name, outcome, is_news }] : [],
    );
  });
  if (wanted.length === 0) return [];
  const rows = await db
    .selectFrom("results")
    .leftJoin("jobs", "jobs.id", "results.job_id")
    .selectAll("results")
    .select("jobs.key as run")
    .where((e) =>
      e.or(
        wanted.map(({ name, outcome, is_news }) =>
          e.and([e("results.name", "=", name), e("outcome", "=", outcome), e("is_news", "=", is_news)]),
        ),
      ),
    )
    .orderBy("results.created_at", "desc")
    .orderBy("results.job_id", "desc")
    .limit(FEED_MAX)
    .execute();
  let bytes = 0;
  return rows.flatMap(({ run, ...row }) => {
    bytes += row.report.length;
    if (bytes > FEED_BYTES_MAX) return [];
    return [toResult(row, { run: run ?? row.job_id, key: "", config })];
  });
}
