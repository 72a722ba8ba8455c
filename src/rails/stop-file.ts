import { lstatSync, statSync, unlinkSync } from "node:fs";
import { dirname } from "node:path";
import { AfkError, messageOf } from "../lib/errors.ts";
import { oncePerTurn } from "../lib/turn.ts";
import type { Kill } from "./halt.ts";

/**
 * Whether the STOP file is there, whatever kind of file it is. Anything but a clear "no such file" in a folder that is
 * there counts as set: a switch that cannot be read is not known to be off, and a folder may be a mount that went away.
 */
export function readStopFile(path: string): Kill | null {
  try {
    // "No such file" is the usual answer, several times a call, and an error with its stack costs more than the look.
    const file = lstatSync(path, { throwIfNoEntry: false, bigint: true });
    if (file === undefined) return readFolder(path);
    // Whoever makes the file may give it any time of modification, and its inode is used again. The kernel alone writes when
    // it was made, or was moved to this name.
    const setting = `${file.ino}.${file.ctimeNs}`;
    return { by: "file", at: Number(file.mtimeMs), setting, reason: `the file ${path} is there` };
  } catch (error) {
    return { by: "file", at: 0, reason: `the file ${path} cannot be checked: ${messageOf(error)}` };
  }
}

const looks = new Map<string, () => Kill | null>();

/** The same, once for all who ask in the same turn of the event loop. */
export function readStopFileOnce(path: string): Kill | null {
  const look = looks.get(path) ?? oncePerTurn(() => readStopFile(path));
  looks.set(path, look);
  return look();
}

const FOLDER_REMEDY = "mount or make that folder, or name another file in KILL_FLAG, then: afk resume";

function readFolder(path: string): Kill | null {
  const folder = dirname(path);
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return null;
  const reason = `the folder ${folder} is not there, so whether the file ${path} is cannot be told (a mount that went away?)`;
  return { by: "file", at: 0, reason, remedy: FOLDER_REMEDY };
}

/** Whoever set the switch may have made anything of that name. A folder is not ours to delete. */
export function removeStopFile(path: string): void {
  const stays = (why: string, mend: string, cause?: unknown) =>
    new AfkError("stop_file_stays", `still stopped: ${why}; ${mend}`, { retry: "never", cause });
  try {
    const file = lstatSync(path, { throwIfNoEntry: false });
    if (file?.isDirectory())
      throw stays(
        `${path} is a folder`,
        `look what is in it and delete it (rm -r ${path}), then: afk resume`,
      );
    if (file !== undefined) unlinkSync(path);
  } catch (error) {
    if (error instanceof AfkError) throw error;
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return;
    throw stays(
      `${path} cannot be removed (${messageOf(error)})`,
      "remove it as the user it belongs to, then: afk resume",
      error,
    );
  }
  const folder = readFolder(path);
  if (folder !== null) throw stays(folder.reason, FOLDER_REMEDY);
}
