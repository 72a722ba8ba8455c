import { chmodSync, type Dirent, lstatSync, readdirSync, type Stats, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { systemCode } from "../../lib/errors.ts";
import { makePrivateFile } from "../../lib/private-files.ts";

/** What afk makes in a state directory. The rest of it may be somebody else's, where a person has put it in a folder of theirs. */
const FILES =
  /^(?:(?:afk|(?:[a-z]+-)?lock|restoring|copying)\.db|high-water\.json|wedged\.json|ballast|STOP|\.afk-[0-9a-z]{26}\.part)/;
const FOLDERS = ["out", "logs", "runs", "backups", "homes", "repos"];
/** On a folder: everybody may write to it, and nobody may remove what is another's. */
const STICKY = 0o1000;

/**
 * Makes a database's file, if it is not there, for this user alone: SQLite gives its log the same mode. What others may
 * read or write of a state that is there, having been made by an older version or by hand, is taken from them.
 * Throws what the system says of a file that cannot be made; `afk doctor` tells of a state that is another user's.
 */
export function keepPrivate(database: string): void {
  const dir = dirname(database);
  const found = statSync(database, { throwIfNoEntry: false });
  if (found === undefined) makePrivateFile(database);
  if (!isOpenToOthers(statSync(dir)) && (found === undefined || !isOpenToOthers(found))) return;
  const entries = readdirSync(dir, { withFileTypes: true });
  if (!isShared(dir, entries)) tighten(dir);
  for (const { name } of entries) {
    const path = join(dir, name);
    if (FILES.test(name)) tighten(path);
    else if (FOLDERS.includes(name) && tighten(path))
      for (const each of readdirSync(path)) tighten(join(path, each));
  }
}

/**
 * Whether a folder is for more than the state: everybody's, as /tmp is, or one with other folders in it, such as a project's, a
 * home, or the root of the file system. Who has it for something else would be locked out; what afk makes in it is private
 * by itself.
 */
function isShared(dir: string, entries: readonly Dirent[]): boolean {
  const isOther = (each: Dirent) => each.isDirectory() && !FOLDERS.includes(each.name);
  return (statSync(dir).mode & STICKY) !== 0 || entries.some(isOther);
}

/** True when its mode lets anybody but its owner do anything. */
function isOpenToOthers({ mode }: Pick<Stats, "mode">): boolean {
  return (mode & 0o077) !== 0;
}

/** True for a folder. A link is left as it is, since its mode is that of what it leads to. */
function tighten(path: string): boolean {
  try {
    const stats = lstatSync(path);
    if (stats.isSymbolicLink()) return false;
    if (isOpenToOthers(stats)) chmodSync(path, stats.mode & 0o700);
    return stats.isDirectory();
  } catch (error) {
    // Another user's, on a disk that cannot be written, or gone: nothing that this user could mend.
    if (["EPERM", "EACCES", "EROFS", "ENOENT"].includes(systemCode(error))) return false;
    throw error;
  }
}
