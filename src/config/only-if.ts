import * as v from "valibot";
import { list, section, text } from "./fields.ts";

const WRITE =
  "write changed, { changed: ./list.txt } with a path, an address or a list of them, or { command: [program, argument] }";
const WRITE_COMMAND =
  "write a program and its arguments as a list of 1 to 200 texts; exit 0 is yes and 1 is no";
/** A path, or an address of http or https. */
const PLACE = /^(?:https?:\/\/[^\s/?#@]+(?:[/?#]\S*)?|(?![A-Za-z][A-Za-z0-9+.-]*:\/\/)[^\0]+)$/;

/** What is looked at before a job runs, so that a run with nothing to do costs nothing and is not told of. */
export type OnlyIf =
  /** Its sources have something new. */
  | { type: "news" }
  /** One of these files, folders or addresses is not as it was. */
  | { type: "changed"; watched: string[] }
  /** A program says so. */
  | { type: "command"; command: string[] };

/** The key `only_if` of a job. */
export function onlyIfSchema() {
  const one = text("A path or an address.", WRITE, PLACE, 2000);
  const watched = v.pipe(
    v.union([one, list("Paths and addresses.", WRITE, one, 20)], WRITE),
    v.description("Paths, which start at the folder of afk.yaml, and addresses."),
  );
  const changed = section("Runs when one of these has changed since the last run that was done.", {
    changed: watched,
  });
  const command = section(
    "Runs when the program ends with 0; 1 is nothing to do, and anything else has failed.",
    {
      command: list(
        "The program and its arguments.",
        WRITE_COMMAND,
        text("The program, or one argument.", WRITE_COMMAND, /^[^\0]*$/, 32_000),
        200,
      ),
    },
  );
  const options = [v.picklist(["changed"], WRITE), changed, command];
  return v.optional(
    v.pipe(
      v.union(options, WRITE),
      v.description(
        "A look before the run: where there is nothing new it ends at once, asks no model and delivers nothing.",
      ),
      v.transform((written): OnlyIf => {
        if (typeof written === "string") return { type: "news" };
        if ("command" in written) return { type: "command", ...written };
        return { type: "changed", watched: [written.changed].flat() };
      }),
    ),
  );
}

/** Whether a place is fetched, as opposed to looked at on this machine. */
export function isAddress(place: string): boolean {
  return /^https?:\/\//.test(place);
}
