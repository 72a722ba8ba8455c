import { lstatSync, readFileSync, renameSync, rmSync } from "node:fs";
import { extname, join } from "node:path";
import { sql } from "kysely";
import { assert, messageOf, systemCode } from "../lib/errors.ts";
import { makeFolder, removeTemporary, syncPath, writeTemporary } from "../store/durable-file.ts";
import { isReachable } from "../store/reachable.ts";
import type { Db, Trx } from "../store/schema.ts";

/** Files of one name that may exist; more is a bug of the job that names them. */
const SAME_NAME_MAX = 1_000;
/** Files looked at in one pass: so many that those that are set aside keep none behind them from its turn. */
const PENDING_MAX = 100_000;

/** A file that a job publishes; its content is text. */
export interface OutputFile {
  name: string;
  content: string;
}

/**
 * A bare file name: no folder, no hidden file, nothing a shell or a page would trip over. A file system takes 255 bytes,
 * which must hold the longest `-1000` too; letters beyond ASCII take up to four bytes each.
 */
export const OUTPUT_NAME = /^(?:[A-Za-z0-9][\w.-]{0,150}|[\p{L}\p{N}][\p{L}\p{N}._-]{0,59})$/u;

/** The same with the number that a taken name gets. */
const SAVED_NAME = /^(?:[A-Za-z0-9][\w.-]{0,155}|[\p{L}\p{N}][\p{L}\p{N}._-]{0,64})$/u;

/** Saves files in the transaction that marks their job done; in a fleet for the machine that made them. A name that another job has taken gets `-2`, `-3`, … */
export async function saveOutputs(
  trx: Trx,
  jobId: string,
  files: OutputFile[],
  nowMs: number,
  machine: string | null = null,
): Promise<string[]> {
  const names: string[] = [];
  for (const file of files) {
    assert(OUTPUT_NAME.test(file.name), `an output named ${JSON.stringify(file.name)}`);
    const name = await freeName(trx, file.name);
    const row = {
      name,
      job_id: jobId,
      content: file.content,
      created_at: nowMs,
      published_at: null,
      machine,
    };
    await trx
      .insertInto("outputs")
      .values({ ...row, state: "pending" })
      .execute();
    names.push(name);
  }
  return names;
}

/** An output that cannot be written for now. It stays in the database and is tried again by every tick. */
export interface SetAside {
  /** Null where it is none in particular: nothing can be written into the folder. */
  name: string | null;
  reason: string;
}

/**
 * Writes every saved file that is not in `dir` yet, and marks it published only when it is on the disk: a crash before the
 * mark finds the same bytes under the same name again. A file that cannot be written is set aside, and the others are written.
 * @returns the paths of what was written, and what was set aside.
 */
export async function publishPending(
  db: Db,
  dir: string,
  nowMs: number,
  machine: string | null = null,
): Promise<{ files: string[]; setAside: SetAside[] }> {
  const files: string[] = [];
  const setAside: SetAside[] = [];
  const names = await pendingNames(db, machine);
  if (names.length === 0) return { files, setAside };
  const obstacle = await folderObstacle(dir, makeFolder);
  if (obstacle !== null) return { files, setAside: [{ name: null, reason: obstacle }] };
  // Whoever publishes holds the lock; a watchdog that loses its ALERT.txt writes it at its next look.
  removeTemporary(dir, 0);
  for (const name of names) {
    const outcome = publish(dir, await readOutput(db, name));
    if (outcome.type === "written") {
      const mark = { state: "published", published_at: nowMs } as const;
      await db.updateTable("outputs").set(mark).where("name", "=", name).execute();
      files.push(join(dir, name));
      continue;
    }
    setAside.push({ name: outcome.type === "file" ? name : null, reason: outcome.reason });
    if (outcome.type === "folder") break;
  }
  return { files, setAside };
}

/**
 * What keeps a folder from being written to at all, in words; null when nothing does. One that is not there yet is made by
 * `make`, and is no obstacle without it.
 */
export async function folderObstacle(dir: string, make?: typeof makeFolder): Promise<string | null> {
  if (!(await isReachable(dir))) return "it does not answer: the disk that it is on has gone away";
  try {
    const found = lstatSync(dir, { throwIfNoEntry: false });
    if (found?.isSymbolicLink()) return "it is a link, which is not followed";
    if (found?.isDirectory() === false) return "it is no folder";
    make?.(dir);
    return null;
  } catch (error) {
    return messageOf(error);
  }
}

/** What keeps one file from being written there, in words; null when nothing does, or when it is there already. */
export function fileObstacle(dir: string, file: OutputFile): string | null {
  const outcome = inspect(dir, file);
  return outcome.type === "file" ? outcome.reason : null;
}

type Outcome =
  | { type: "written" }
  | { type: "absent" }
  /** This file cannot be written, which says nothing of the others. */
  | { type: "file"; reason: string }
  | { type: "folder"; reason: string };

function publish(dir: string, file: OutputFile): Exclude<Outcome, { type: "absent" }> {
  try {
    const found = inspect(dir, file);
    if (found.type !== "absent") return found;
    const temporary = writeTemporary(dir, file.content);
    try {
      // A link that somebody has put there meanwhile is replaced, not followed.
      renameSync(temporary, join(dir, file.name));
    } catch (error) {
      rmSync(temporary, { force: true });
      return failed(error, "file");
    }
    syncPath(dir);
    return { type: "written" };
  } catch (error) {
    return failed(error, "folder");
  }
}

/** What is at a file's place: nothing, the file itself, or something that is not written over. */
function inspect(dir: string, { name, content }: OutputFile): Outcome {
  // The database says the name, and a database may have been changed: what is no bare name would lead out of the folder.
  if (!SAVED_NAME.test(name)) return { type: "file", reason: "this is no name for a file in out/" };
  const path = join(dir, name);
  try {
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found === undefined) return { type: "absent" };
    if (found.isDirectory()) return { type: "file", reason: "a folder is in its place" };
    if (!found.isFile()) return { type: "file", reason: "something that is no file is in its place" };
    const isSame = found.size === Buffer.byteLength(content) && readFileSync(path, "utf8") === content;
    return isSame ? { type: "written" } : { type: "file", reason: "another file is in its place" };
  } catch (error) {
    // The folder refuses it: then no file in it can be read.
    return failed(error, systemCode(error) === "EACCES" ? "folder" : "file");
  }
}

/** Whether the file or the whole folder is at fault: by the system's code where that decides it, else by what was asked. */
function failed(error: unknown, where: "file" | "folder"): Extract<Outcome, { reason: string }> {
  const code = systemCode(error);
  if (code === "") throw error;
  const reason = messageOf(error);
  if (["ENOSPC", "EDQUOT", "EROFS"].includes(code)) return { type: "folder", reason };
  return { type: code === "EFBIG" || code === "ENAMETOOLONG" ? "file" : where, reason };
}

/**
 * What was saved and is not in `out/`, in the order in which it was made, and of one moment by name: in a fleet what this machine is to write, with what
 * was made before there were several.
 */
export async function pendingNames(db: Db, machine: string | null = null): Promise<string[]> {
  const rows = await db
    .selectFrom("outputs")
    .select("name")
    // Literally as the partial index has it, or SQLite does not use that.
    .where(sql<boolean>`state = 'pending'`)
    .$if(machine !== null, (query) =>
      query.where((eb) => eb.or([eb("machine", "=", machine), eb("machine", "is", null)])),
    )
    .orderBy("created_at")
    .orderBy("name")
    .limit(PENDING_MAX)
    .execute();
  return rows.map(({ name }) => name);
}

/** A saved output. Throws when there is none of this name. */
export async function readOutput(db: Db, name: string): Promise<OutputFile> {
  const { content } = await db
    .selectFrom("outputs")
    .select("content")
    .where("name", "=", name)
    .executeTakeFirstOrThrow();
  return { name, content };
}

async function freeName(trx: Trx, name: string): Promise<string> {
  const removed = trx.selectFrom("taken_names").select("name").where("kind", "=", "output");
  const extension = extname(name);
  const stem = name.slice(0, name.length - extension.length);
  for (let count = 1; count <= SAME_NAME_MAX; count++) {
    const candidate = count === 1 ? name : `${stem}-${count}${extension}`;
    const taken = await trx
      .selectFrom("outputs")
      .select("name")
      .where("name", "=", candidate)
      // The file of a job that retention has removed is still there, and is not written over.
      .union(removed.where("name", "=", candidate))
      .executeTakeFirst();
    if (taken === undefined) return candidate;
  }
  throw new Error(`afk bug: ${SAME_NAME_MAX} outputs named ${name}`);
}
