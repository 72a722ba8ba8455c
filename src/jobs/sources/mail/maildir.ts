import type { Dirent } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { oneLine } from "../../../lib/text.ts";
import { type Listing, listFolder, newestFiles } from "../folder/list-folder.ts";
import type { Omissions } from "../folder/omissions.ts";
import { unreadable } from "../read-file.ts";

const NAMED_MAX = 5;
/** What stands behind the flags' mark; some file systems take no colon. */
const FLAGS = /[:;!]2,([A-Za-z]*)$/;

/** Whether a folder is a Maildir (https://cr.yp.to/proto/maildir.html): `cur` and `new` are in it. */
export async function isMaildir(folder: string): Promise<boolean> {
  const isFolder = async (name: string) => (await lstat(join(folder, name)).catch(() => null))?.isDirectory();
  return (await isFolder("cur")) === true && (await isFolder("new")) === true;
}

/**
 * The newest mails of a Maildir, read or not; nothing of `tmp`, which is not delivered yet. Drafts and what is marked as deleted
 * are passed over. A subfolder (`.Name`, and `Name` as some programs make them) is a Maildir of its own, and is noted.
 */
export async function listMaildir(
  folder: string,
  how: { filesMax: number; signal: AbortSignal; notes: Omissions },
): Promise<Listing> {
  const listings = [];
  for (const name of ["new", "cur"])
    listings.push(await listFolder(join(folder, name), { ...how, typeOf: flaggedAs }));
  const subfolders: string[] = [];
  for (const entry of await unreadable(folder, () => readdir(folder, { withFileTypes: true })))
    if (entry.isDirectory() && !/^(?:cur|new|tmp)$/.test(entry.name))
      if (await isMaildir(join(folder, entry.name))) subfolders.push(entry.name);
  if (subfolders.length > 0) how.notes.add(subfoldersNote(subfolders.toSorted()));
  const passedOver = new Map<string, number>();
  for (const listing of listings)
    for (const [type, count] of listing.passedOver) passedOver.set(type, (passedOver.get(type) ?? 0) + count);
  return {
    files: newestFiles(
      listings.flatMap(({ files }) => files),
      how.filesMax,
    ),
    total: listings.reduce((sum, { total }) => sum + total, 0),
    passedOver,
  };
}

/** The part of a mail's name that stays the same while its flags change. */
export function maildirName(name: string): string {
  return name.replace(FLAGS, "");
}

function flaggedAs({ name }: Dirent): string | null {
  const flags = FLAGS.exec(name)?.[1] ?? "";
  if (flags.includes("T")) return "marked as deleted";
  return flags.includes("D") ? "draft" : null;
}

function subfoldersNote(names: string[]): string {
  const named = names.slice(0, NAMED_MAX).map((name) => oneLine(name, 40));
  const more = names.length > NAMED_MAX ? ` and ${names.length - NAMED_MAX} more` : "";
  return `subfolders are not read (each can be a source of its own): ${named.join(", ")}${more}`;
}
