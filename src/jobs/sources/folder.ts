import type { Dirent } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import { extname, join, resolve } from "node:path";
import { oneLine } from "../../lib/text.ts";
import { newestItems, type RawItem, shortHash } from "../digest/item.ts";
import type { FolderSource } from "../digest/settings.ts";
import { parseMail } from "./mail.ts";
import { splitMbox } from "./mbox.ts";
import { type FileContent, readFileBounded, unreadable } from "./read-file.ts";
import { type Collected, isSourceFailure, SourceUnreadable, sourceLabel } from "./source.ts";

const FILE_BYTES_MAX = 1024 * 1024;
const FILES_MAX = 200;
/** A folder with more entries is not an inbox. */
const ENTRIES_MAX = 10_000;
const MESSAGES_PER_FILE_MAX = 200;
/** Of an mbox file; with as many as its bytes allow it would keep the parser busy for seconds. */
const MBOX_LINES_MAX = 50_000;
const NOTES_MAX = 20;

/**
 * Every .txt, .md, .eml and .mbox file directly in the folder, the newest 200. A file that cannot be used is noted
 * and left out.
 * @throws SourceUnreadable when the folder itself cannot be read.
 */
export async function collectFolder(
  source: FolderSource,
  context: { base: string; signal: AbortSignal },
): Promise<Collected> {
  const folder = resolve(context.base, source.folder);
  const notes: string[] = [];
  const raws: RawItem[] = [];
  for (const name of await newestFiles(folder, notes)) {
    context.signal.throwIfAborted();
    try {
      const options = { bytesMax: FILE_BYTES_MAX, followLinks: false };
      raws.push(...(await rawItems(name, await readFileBounded(join(folder, name), options), notes)));
    } catch (error) {
      if (!isSourceFailure(error)) throw error;
      notes.push(`left out ${oneLine(name, 80)}: ${error.message.replace(`${join(folder, name)}: `, "")}`);
    }
  }
  return { items: newestItems(raws, sourceLabel(source)), notes: boundNotes(notes) };
}

async function newestFiles(folder: string, notes: string[]): Promise<string[]> {
  const entries = await unreadable(folder, () => readdir(folder, { withFileTypes: true }));
  const { length } = entries;
  if (length > ENTRIES_MAX)
    throw new SourceUnreadable(`${folder}: it holds ${length} files; an inbox may hold ${ENTRIES_MAX}`);
  const files: { name: string; modifiedMs: number }[] = [];
  for (const entry of entries.filter(isWanted)) {
    if (entry.isFile()) {
      // One that vanished since it was listed is noted when it is read.
      const stats = await lstat(join(folder, entry.name)).catch(() => null);
      files.push({ name: entry.name, modifiedMs: stats?.mtimeMs ?? 0 });
    } else {
      const what = entry.isSymbolicLink() ? "a symbolic link" : "not a file";
      notes.push(`left out ${oneLine(entry.name, 80)}: it is ${what}`);
    }
  }
  if (files.length > FILES_MAX) notes.push(`only the newest ${FILES_MAX} of ${files.length} files were read`);
  return files
    .toSorted((a, b) => b.modifiedMs - a.modifiedMs || (a.name < b.name ? -1 : 1))
    .slice(0, FILES_MAX)
    .map((file) => file.name);
}

function isWanted({ name }: Dirent): boolean {
  return !name.startsWith(".") && /^\.(?:txt|md|eml|mbox)$/i.test(extname(name));
}

async function rawItems(name: string, file: FileContent, notes: string[]): Promise<RawItem[]> {
  switch (extname(name).toLowerCase()) {
    case ".eml":
      return [await mailItem(name, file.bytes)];
    case ".mbox":
      return mboxItems(name, file.bytes, notes);
    default:
      return [note(name, file)];
  }
}

async function mboxItems(name: string, bytes: Uint8Array, notes: string[]): Promise<RawItem[]> {
  if (
    Buffer.from(bytes)
      .toString("latin1")
      .split("\n", MBOX_LINES_MAX + 2).length >
    MBOX_LINES_MAX + 1
  )
    throw new SourceUnreadable(`it has more than ${MBOX_LINES_MAX} lines`);
  const messages = splitMbox(bytes);
  if (messages === null)
    throw new SourceUnreadable("it does not begin with a `From ` line, as an mbox file does");
  const raws: RawItem[] = [];
  // New mail is appended, so the last messages are the newest.
  for (const message of messages.slice(-MESSAGES_PER_FILE_MAX)) {
    try {
      raws.push(await mailItem(name, message));
    } catch (error) {
      if (!isSourceFailure(error)) throw error;
      notes.push(`left out a message of ${oneLine(name, 80)}: ${error.message}`);
    }
  }
  return raws;
}

async function mailItem(name: string, bytes: Uint8Array): Promise<RawItem> {
  const mail = await parseMail(bytes);
  return { ...mail, id: mail.id ?? contentId(name, bytes) };
}

/** A text file: its first line is the title, a date at the start of its name (2026-11-03-….md) is its date. */
function note(name: string, file: FileContent): RawItem {
  const text = new TextDecoder().decode(file.bytes).replace(/^---\r?\n[\s\S]*?\r?\n---\r?\n/, "");
  const [first = ""] = text.trim().split(/\r?\n/, 1);
  const body = text.trim().slice(first.length).trim();
  return {
    id: contentId(name, file.bytes),
    title: first.replace(/^#+\s+/, ""),
    text: body === "" ? first : body,
    publishedAt: /^\d{4}-\d{2}-\d{2}(?!\d)/.exec(name)?.[0] ?? file.modifiedMs,
  };
}

/** A changed file is a new item; a folder that moved is not. */
function contentId(name: string, bytes: Uint8Array): string {
  return `file:${shortHash(name)}:${shortHash(bytes)}`;
}

function boundNotes(notes: string[]): string[] {
  if (notes.length <= NOTES_MAX) return notes;
  return [...notes.slice(0, NOTES_MAX), `and ${notes.length - NOTES_MAX} more`];
}
