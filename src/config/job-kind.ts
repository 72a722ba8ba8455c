import * as v from "valibot";
import type { Config } from "./config.ts";
import type { ConfigIssue } from "./errors.ts";

/** What the configuration needs to know of a kind of job; `JobKind` of the jobs has this and more. */
export interface JobSettingsKind {
  kind: string;
  /** Parses a `jobs:` entry without the keys that every job has. */
  settings: v.GenericSchema<unknown, unknown>;
  /** Minutes that a unit of its output saves a person, where afk.yaml does not say. */
  minutesSavedPerUnit?: number;
  /** What the schema cannot say alone. Paths start at the entry. */
  // A method, so that a kind whose settings have a type of their own is one of these.
  check?(settings: unknown, config: Config): ConfigIssue[];
}

/** Files with kinds of jobs of the owner's own. */
export function kindFiles() {
  const write =
    "write a list of JavaScript modules that export kinds of jobs, for example [./kinds/reminder.js]";
  return v.pipe(
    v.array(v.pipe(v.string(write), v.nonEmpty(write)), write),
    v.maxLength(20, "write at most 20 files"),
    v.description(
      "Modules that export kinds of jobs of your own. Their code runs with all the rights of afk; a change takes a restart.",
    ),
  );
}
