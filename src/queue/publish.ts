import { extname, join } from "node:path";
import { assert } from "../lib/errors.ts";
import { makeFolder, writeDurably } from "../store/durable-file.ts";
import type { Db, Trx } from "../store/schema.ts";

/** Files of one name that may exist; more is a bug of the job that names them. */
const SAME_NAME_MAX = 1_000;
/** Files written in one pass; the rest come with the next tick. */
const PUBLISH_MAX = 1_000;

export interface OutputFile {
  name: string;
  content: string;
}

/**
 * A bare file name: no folder, no hidden file, nothing a shell or a page would trip over. A file system takes 255 bytes,
 * which must hold the longest `-1000` and the temporary name too; letters beyond ASCII take up to four bytes each.
 */
export const OUTPUT_NAME = /^(?:[A-Za-z0-9][\w.-]{0,150}|[\p{L}\p{N}][\p{L}\p{N}._-]{0,59})$/u;

/** Saves files in the transaction that marks their job done. A name that another job has taken gets `-2`, `-3`, … */
export async function saveOutputs(
  trx: Trx,
  jobId: string,
  files: OutputFile[],
  nowMs: number,
): Promise<string[]> {
  const names: string[] = [];
  for (const file of files) {
    assert(OUTPUT_NAME.test(file.name), `an output named ${JSON.stringify(file.name)}`);
    const name = await freeName(trx, file.name);
    await trx
      .insertInto("outputs")
      .values({
        name,
        job_id: jobId,
        content: file.content,
        state: "pending",
        created_at: nowMs,
        published_at: null,
      })
      .execute();
    names.push(name);
  }
  return names;
}

/**
 * Writes every saved file that is not in `dir` yet, and only when it is on the disk the mark. A crash before the mark writes the same bytes under the same name again.
 */
export async function publishPending(db: Db, dir: string, nowMs: number): Promise<string[]> {
  const pending = await db
    .selectFrom("outputs")
    .select(["name", "content"])
    .where("state", "=", "pending")
    .orderBy("created_at")
    .limit(PUBLISH_MAX)
    .execute();
  if (pending.length > 0) makeFolder(dir);
  for (const file of pending) {
    // The same temporary name each time: a crash leaves at most one, and the next pass overwrites it.
    writeDurably(join(dir, file.name), join(dir, `.${file.name}.part`), file.content);
    await db
      .updateTable("outputs")
      .set({ state: "published", published_at: nowMs })
      .where("name", "=", file.name)
      .execute();
  }
  return pending.map((file) => join(dir, file.name));
}

async function freeName(trx: Trx, name: string): Promise<string> {
  const extension = extname(name);
  const stem = name.slice(0, name.length - extension.length);
  for (let count = 1; count <= SAME_NAME_MAX; count++) {
    const candidate = count === 1 ? name : `${stem}-${count}${extension}`;
    const taken = await trx
      .selectFrom("outputs")
      .select("name")
      .where("name", "=", candidate)
      // The file of a job that retention has removed is still there, and is not written over.
      .union(
        trx
          .selectFrom("taken_names")
          .select("name")
          .where("kind", "=", "output")
          .where("name", "=", candidate),
      )
      .executeTakeFirst();
    if (taken === undefined) return candidate;
  }
  throw new Error(`afk bug: ${SAME_NAME_MAX} outputs named ${name}`);
}
