import { basename } from "node:path";
import * as v from "valibot";
import { duration, section, text } from "../../../config/fields.ts";
import { fromHome } from "../../../config/locations.ts";
import { programEntries } from "../../programs/settings.ts";
import { sourceEntries } from "../source-entries.ts";

const { command, env, max_output_kb } = programEntries;

/** An entry of `sources` of this kind. */
export const commandSettings = section(
  "A command's output: one item a line, or as JSON with title, link, text, id, date. New is what it did not print the last time.",
  {
    command,
    cwd: v.optional(
      v.pipe(
        text(
          "Folder that the command starts in.",
          "write the path of a folder, for example ./scripts",
          /^[^\0]+$/,
          2000,
        ),
        v.transform(fromHome),
      ),
    ),
    env,
    max_output_kb,
    timeout: v.optional(
      duration("The command is ended after this long, and the source has failed.", "1h"),
      "1m",
    ),
    ...sourceEntries,
  },
);

/** A program whose output is read. */
export type CommandSource = v.InferOutput<typeof commandSettings>;

/** What the job calls it: its name, else the program's. */
export function commandLabel({ name, command: [program = ""] }: CommandSource): string {
  return name ?? basename(program);
}

/** Another folder is another thing to look at. */
export function commandId({ command: words, cwd = "." }: CommandSource): string {
  return `command ${JSON.stringify([cwd, ...words])}`;
}
