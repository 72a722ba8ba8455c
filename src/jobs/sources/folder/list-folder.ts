import type { Dirent } from "node:fs";
import { lstat, opendir } from "node:fs/promises";
import { extname, join } from "node:path";
import { oneLine } from "../../../lib/text.ts";
import { unreadable } from "../read-file.ts";
import type { Omissions } from "./omissions.ts";

/** A file of a folder, as it was listed. */
export interface ListedFile {
  path: string;
  name: string;
  /** Epoch milliseconds; 0 for one that vanished, which is noted when it is read. */
  modifiedMs: number;
}

/** What a folder holds. */
export interface Listing {
  /** The newest of the files that are wanted, newest first. */
  files: ListedFile[];
  /** How many are wanted. */
  total: number;
  /** How many others there are of each type; hidden ones are not counted. */
  passedOver: Map<string, number>;
}

/** Entries that are looked at: an inbox of years, not a file system. */
const ENTRIES_MAX = 250_000;
const BATCH = 256;
const TYPES_MAX = 20;

/**
 * The newest files of a folder, and what else there is, in memory for a few hundred names however many there are.
 * `typeOf` says null for an entry that is wanted, else as what it is counted.
 * @throws SourceUnreadable when the folder cannot be read.
 */
export async function listFolder(
  folder: string,
  how: { typeOf: (entry: Dirent) => string | null; filesMax: number; signal: AbortSignal; notes: Omissions },
): Promise<Listing> {
  const listing: Listing = { files: [], total: 0, passedOver: new Map() };
  let batch: string[] = [];
  let entries = 0;
  const keep = async () => {
    how.signal.throwIfAborted();
    listing.total += batch.length;
    const found = await Promise.all(batch.map((name) => listed(folder, name)));
    batch = [];
    listing.files = newestFiles([...listing.files, ...found], how.filesMax);
  };
  for await (const entry of await unreadable(folder, () => opendir(folder, { bufferSize: BATCH }))) {
    if (++entries > ENTRIES_MAX) {
      how.notes.add(`only ${ENTRIES_MAX} of the files of ${oneLine(folder, 80)} were looked at`);
      break;
    }
    if (entry.name.startsWith(".")) continue;
    const type = how.typeOf(entry);
    if (type !== null) countType(listing.passedOver, type);
    else if (entry.isFile()) batch.push(entry.name);
    else
      how.notes.add(
        `left out ${oneLine(entry.name, 80)}: it is ${entry.isSymbolicLink() ? "a symbolic link" : "not a file"}`,
      );
    if (batch.length === BATCH) await keep();
  }
  await keep();
  return listing;
}

/** Newest first, at most `filesMax`; the name decides between equals. */
export function newestFiles(files: ListedFile[], filesMax: number): ListedFile[] {
  return files
    .toSorted((a, b) => b.modifiedMs - a.modifiedMs || Number(a.name > b.name) - Number(a.name < b.name))
    .slice(0, filesMax);
}

async function listed(folder: string, name: string): Promise<ListedFile> {
  const path = join(folder, name);
  const stats = await lstat(path).catch(() => null);
  return { path, name, modifiedMs: stats?.mtimeMs ?? 0 };
}

function countType(counts: Map<string, number>, type: string): void {
  const key = counts.has(type) || counts.size < TYPES_MAX ? type : "of other types";
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** What an entry is counted as where it is not read. */
export function fileType(entry: Dirent): string {
  if (entry.isDirectory()) return "folder";
  return oneLine(extname(entry.name).toLowerCase(), 20) || "without an extension";
}
