import { hash } from "node:crypto";
import { lstat, readdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { globMatcher } from "../../../lib/glob.ts";
import { type OpenFile, unreadable, withFile } from "../read-file.ts";
import { SourceUnreadable } from "../source.ts";
import { readLines } from "./read-lines.ts";

/** Files that one `*` stands for. */
const FILES_MAX = 100;
/** By the beginning of a file it is known again, where another has taken its place. */
const HEAD_BYTES = 512;
const COMPRESSED = /\.(?:gz|xz|bz2|zst|lz4|zip)$/;

/** How far a file was read. Its number is that of the file system, which a renamed file keeps. */
export interface FilePosition {
  inode: number;
  offset: number;
  /** A hash of its first bytes, and of how many. */
  head: string;
  headBytes: number;
}

interface FileRead {
  positions: FilePosition[];
  notes: string[];
}

interface Reading {
  before: readonly FilePosition[] | null;
  /** Bytes that are read of all files together. */
  bytesMax: number;
  /** The first run reads what is there, instead of what comes. */
  readsOld: boolean;
  signal: AbortSignal;
}

/**
 * Reads what the files have had since `before`, the oldest first: of one that was renamed or copied away (logrotate) its end, and
 * then what took its place. `path` may have `*` in its last part; files that are links are read only where the owner named them.
 * @throws SourceUnreadable where there is no such file, or one is no text.
 */
export async function readFiles(
  path: string,
  reading: Reading,
  onLine: (text: string) => void,
): Promise<FileRead> {
  const isPattern = path.includes("*");
  const { files, notes } = isPattern
    ? await matching(path)
    : await withPredecessors(path, reading.before ?? []);
  const positions: FilePosition[] = [];
  let left = reading.bytesMax;
  let foundOld = reading.before === null;
  for (const [index, file] of files.entries()) {
    const isCurrent = isPattern || index === files.length - 1;
    const read = await withFile(file, { followLinks: !isPattern && isCurrent }, async (open) => {
      const known = await positionIn(open, reading.before ?? []);
      if (known !== null) foundOld = true;
      const start = startOf({ known, isCurrent, isPattern, foundOld, reading, sizeBytes: open.sizeBytes });
      if (start === null) return null;
      const from = Math.max(start, open.sizeBytes - left);
      if (from > start)
        notes.push(
          `${basename(file)}: ${toMb(from - start)} MB were passed over, as a run reads ${toMb(reading.bytesMax)} MB (max_mb)`,
        );
      const { signal } = reading;
      // The first line behind a cut is half a one.
      let isCut = from > start;
      const offset = await readLines(open, { start: from, isClosed: !isCurrent, signal }, (text) => {
        if (!isCut) onLine(text);
        isCut = false;
      });
      left = Math.max(0, left - (offset - from));
      return await positionAt(open, offset);
    });
    if (read !== null && isCurrent) positions.push(read);
  }
  if (!isPattern && !foundOld && (reading.before?.length ?? 0) > 0)
    notes.push(
      "the log was replaced, and what stood last in the one before it could not be found: it was compressed or removed",
    );
  return { positions, notes };
}

/** Where to begin; null for a file of which nothing is wanted. */
function startOf({
  known,
  isCurrent,
  isPattern,
  foundOld,
  reading,
  sizeBytes,
}: {
  known: FilePosition | null;
  isCurrent: boolean;
  isPattern: boolean;
  foundOld: boolean;
  reading: Reading;
  sizeBytes: number;
}): number | null {
  if (reading.before === null) return !isCurrent ? null : reading.readsOld ? 0 : sizeBytes;
  if (known !== null) return known.offset;
  // A file that came after the one that was read before is new as a whole; an older one was read long ago.
  return isCurrent || isPattern || foundOld ? 0 : null;
}

/** How far the file was read: it is known by its number, or as a copy by its beginning, which must be the same. */
async function positionIn(file: OpenFile, before: readonly FilePosition[]): Promise<FilePosition | null> {
  const byNumber = before.filter(({ inode }) => inode === file.inode);
  for (const position of [...byNumber, ...before]) {
    if (position.headBytes === 0 && position.inode !== file.inode) continue;
    if (file.sizeBytes < position.offset) continue;
    if ((await headOf(file, position.headBytes)) === position.head) return position;
  }
  return null;
}

async function positionAt(file: OpenFile, offset: number): Promise<FilePosition> {
  const headBytes = Math.min(HEAD_BYTES, offset);
  return { inode: file.inode, offset, headBytes, head: await headOf(file, headBytes) };
}

async function headOf(file: OpenFile, length: number): Promise<string> {
  return hash("sha256", await file.read(0, length)).slice(0, 16);
}

async function matching(path: string): Promise<{ files: string[]; notes: string[] }> {
  const [folder, name] = [dirname(path), basename(path)];
  if (folder.includes("*"))
    throw new SourceUnreadable(`${path}: only the name of a file may have *; mend log in afk.yaml`);
  const isMeant = globMatcher(name);
  const found = await regularFiles(folder, (each) => isMeant(each) && !COMPRESSED.test(each));
  if (found.length === 0) throw new SourceUnreadable(`${path}: there is no such file`);
  const notes =
    found.length > FILES_MAX ? [`only the ${FILES_MAX} newest of ${found.length} logs were read`] : [];
  return { files: found.slice(-FILES_MAX), notes };
}

/** The file itself, and where it is not the one that was read before, those that may have been it, before it. */
async function withPredecessors(
  path: string,
  before: readonly FilePosition[],
): Promise<{ files: string[]; notes: string[] }> {
  const isSame = await withFile(path, { followLinks: true }, async (file) => {
    return (await positionIn(file, before))?.inode === file.inode;
  });
  if (isSame || before.length === 0) return { files: [path], notes: [] };
  const name = basename(path);
  const isOld = (each: string) =>
    each !== name && (each.startsWith(`${name}.`) || each.startsWith(`${name}-`)) && !COMPRESSED.test(each);
  const older = await regularFiles(dirname(path), isOld);
  return { files: [...older.slice(-20), path], notes: [] };
}

/** Paths, the one that was written last at the end. Links are none. */
async function regularFiles(folder: string, isWanted: (name: string) => boolean): Promise<string[]> {
  const names = (await unreadable(folder, () => readdir(folder))).filter(isWanted).slice(0, 10_000);
  const files: { path: string; writtenMs: number }[] = [];
  for (const name of names) {
    const path = join(folder, name);
    const stats = await lstat(path).catch(() => null);
    if (stats?.isFile()) files.push({ path, writtenMs: stats.mtimeMs });
  }
  return files.toSorted((a, b) => a.writtenMs - b.writtenMs).map(({ path }) => path);
}

function toMb(bytes: number): number {
  return Math.round(bytes / 1_048_576);
}
