import type * as v from "valibot";
import type { Config } from "./config.ts";
import type { ConfigIssue } from "./errors.ts";

/** Kinds of job that read `sources`. */
export const READING_KINDS: readonly string[] = ["digest", "triage"];

/** Kinds of job whose run is a program of the owner's. */
export const PROGRAM_KINDS: readonly string[] = ["exec", "agent"];

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
  /** Whether a run has anything to do; kinds that read sources have it. */
  look?(context: never): unknown;
}
