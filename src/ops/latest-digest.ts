import type { Config } from "../config/config.ts";
import type { Db } from "../store/schema.ts";

export interface LatestDigest {
  /** The file's name in `out/`. */
  name: string;
  /** Epoch milliseconds. */
  createdAt: number;
  /** Its Markdown, at most `DIGEST_CHARS_MAX` of it. */
  content: string;
  isCut: boolean;
}

const DIGEST_CHARS_MAX = 60_000;
/** Two files of one period differ by a number that does not sort; the newest is among these. */
const CANDIDATES = 10;

/** The digest that was written last, by whichever job; null before the first. */
export async function readLatestDigest(db: Db, jobs: Config["jobs"]): Promise<LatestDigest | null> {
  let latest: { name: string; created_at: number } | undefined;
  for (const job of jobs.filter(({ kind }) => kind === "digest")) {
    const found = await newestOf(db, job.name);
    if (found !== undefined && (latest === undefined || found.created_at > latest.created_at)) latest = found;
  }
  if (latest === undefined) return null;
  const { name, created_at: createdAt } = latest;
  const row = await db
    .selectFrom("outputs")
    .select((eb) => [
      eb.fn<string>("substr", ["content", eb.lit(1), eb.lit(DIGEST_CHARS_MAX)]).as("content"),
      eb.fn<number>("length", ["content"]).as("length"),
    ])
    .where("name", "=", name)
    .executeTakeFirstOrThrow();
  return { name, createdAt, content: row.content, isCut: row.length > DIGEST_CHARS_MAX };
}

/** Files are named after their job and period, which begins with a digit: a range of the names, so of the index. */
async function newestOf(db: Db, job: string) {
  const rows = await db
    .selectFrom("outputs")
    .select(["name", "created_at"])
    .where("name", ">=", `${job}-0`)
    .where("name", "<", `${job}-:`)
    .where("name", "like", "%.md")
    .orderBy("name", "desc")
    .limit(CANDIDATES)
    .execute();
  return rows.sort((a, b) => b.created_at - a.created_at)[0];
}
