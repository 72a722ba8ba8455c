/** What files under `kinds:` are written with: `import { section, text } from "afk-agent/jobs"`. */

import * as valibot from "valibot";

export { duration, integer, minutes, number, section, text, url, usd } from "../config/fields.ts";
export { AfkError, type Retry } from "../lib/errors.ts";
export type { Completion, ModelRequest } from "../providers/types.ts";
export { type JobContext, type JobKind, type JobResult, type SourceReport, SourcesDown } from "./job.ts";
/** The library that the schemas are made with, for what the helpers do not say. */
export const v: typeof valibot = valibot;
