import { basename } from "node:path";
import * as v from "valibot";
import { duration, integer, list, section, text } from "../../../config/fields.ts";
import { fromHome } from "../../../config/locations.ts";
import { sourceEntries } from "../source-entries.ts";
import { LEVELS } from "./line.ts";

const WRITE_LOG =
  "write the path of a log, which may have * in its name, or { journal: UNIT } with the name of a unit of systemd, for example { journal: nginx }";
const WRITE_TEXTS =
  'write a list of 1 to 50 plain texts; # stands for a number and * for anything between two parts, for example [timeout, "disk # full"]';

const texts = (description: string) =>
  v.optional(list(description, WRITE_TEXTS, text("A text.", WRITE_TEXTS, /[^\s*]/), 50));

/** An entry of `sources` of this kind. */
export const logSettings = section("A log since the last run: like lines are one item with their count.", {
  log: v.pipe(
    v.union(
      [
        v.pipe(text("Path of the log.", WRITE_LOG, /^[^\0]+$/, 2000), v.transform(fromHome)),
        section("Lines of the journal of systemd.", {
          journal: text("The unit, or * for all.", WRITE_LOG, /^[A-Za-z0-9_*][A-Za-z0-9:_.@\\*-]*$/),
          directory: v.optional(
            text(
              "Folder of another machine's journal.",
              "write the path of a folder, for example /host/journal",
              /^[^\0]+$/,
              2000,
            ),
          ),
        }),
      ],
      WRITE_LOG,
    ),
    v.description("Path of the log, which may have * in its name; or a unit of systemd's journal."),
  ),
  level: v.optional(
    v.pipe(
      v.picklist(LEVELS, `write one of ${LEVELS.join(", ")}`),
      v.description("Lines of this level and worse; a line that names none is information."),
    ),
  ),
  match: texts("Only lines with one of these texts."),
  ignore: texts("Lines with one of these texts are left out."),
  since: v.optional(duration("How far back the first run reads; from now on unless stated.", "30d")),
  max_mb: v.optional(
    integer(
      "Megabytes of a log that one run reads, from its end; 16 unless stated.",
      "how many megabytes to read",
      [1, 1024],
    ),
    16,
  ),
  ...sourceEntries,
});

/** A log, and which of its lines. */
export type LogSource = v.InferOutput<typeof logSettings>;

/** What the job calls it: its name, else the file's or the unit's. */
export function logLabel({ name, log }: LogSource): string {
  return name ?? (typeof log === "string" ? basename(log) : log.journal === "*" ? "journal" : log.journal);
}

/** The same for the same log. */
export function logId({ log }: LogSource): string {
  return `log ${typeof log === "string" ? log : JSON.stringify([log.journal, log.directory ?? ""])}`;
}
