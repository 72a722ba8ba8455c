import { basename } from "node:path";
import * as v from "valibot";
import { integer, section, text } from "../../../config/fields.ts";
import { fromHome } from "../../../config/locations.ts";
import { sourceEntries } from "../source-entries.ts";

/** An entry of `sources` of this kind. */
export const folderSettings = section("A folder of .txt, .md, .eml and .mbox files, or a Maildir.", {
  folder: v.pipe(
    text(
      "Path of the folder; folders in it are sources of their own.",
      "write the path of a folder, for example ./inbox",
      /^.+$/,
      2000,
    ),
    v.transform(fromHome),
  ),
  max_bytes: v.optional(
    integer(
      "Bytes that are read of one file, of an mbox from its end; 16777216 unless stated.",
      "how many bytes to read of one file",
      [1024, 1_073_741_824],
    ),
  ),
  ...sourceEntries,
});

/** The path of a folder. */
export type FolderSource = v.InferOutput<typeof folderSettings>;

/** What the job calls it: its name, else the folder's. */
export function folderLabel({ name, folder }: FolderSource): string {
  return name ?? (basename(folder) || folder);
}
