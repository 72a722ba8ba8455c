import type { Db } from "../store/schema.ts";

/** A text file that a job wrote into `out/`, or its beginning. */
export interface WrittenFile {
  name: string;
  jobId: string;
  /** Epoch milliseconds. */
  createdAt: number;
  content: string;
  isCut: boolean;
}

const CHARS_MAX = 300_000;

/** The file of a name as the database has it: no path is ever followed. Undefined where there is none. */
export async function readWritten(db: Db, name: string): Promise<WrittenFile | undefined> {
  const row = await db
    .selectFrom("outputs")
    .select(["name", "job_id as jobId", "created_at as createdAt"])
    .select((eb) => [
      eb.fn<string>("substr", ["content", eb.lit(1), eb.lit(CHARS_MAX)]).as("content"),
      eb.fn<number>("length", ["content"]).as("length"),
    ])
    .where("name", "=", name)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const { length, ...file } = row;
  return { ...file, isCut: Number(length) > CHARS_MAX };
}

/** The newest Markdown files, the newest first: digests are such. */
export async function listWritten(db: Db, limit: number): Promise<{ name: string; createdAt: number }[]> {
  return await db
    .selectFrom("outputs")
    .select(["name", "created_at as createdAt"])
    .where("name", "like", "%.md")
    .orderBy("job_id", "desc")
    .limit(limit)
    .execute();
}
