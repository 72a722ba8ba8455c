import * as v from "valibot";
import type { Config } from "../../config/config.ts";
import { AfkError } from "../../lib/errors.ts";
import { type SourceSettings, sourceId, sourcesOf } from "../sources/registry.ts";

/**
 * Where an action's credentials stand in afk.yaml: the source of a job. A draft holds this and never a credential; `source` is the
 * same for the same place, so that a draft is not done somewhere else when afk.yaml was changed since.
 */
export const referenceSchema = v.strictObject({
  job: v.pipe(v.string(), v.maxLength(64)),
  source: v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/)),
});

/** See `referenceSchema`. */
export type SourceReference = v.InferOutput<typeof referenceSchema>;

/** A draft's source, or what it needs of it, is not in afk.yaml any more. */
export class SourceMissing extends AfkError {
  constructor(message: string) {
    super("source_missing", message, { retry: "never" });
  }
}

/** The source as afk.yaml has it now. @throws SourceMissing */
export function findSource({ jobs }: Pick<Config, "jobs">, { job, source }: SourceReference): SourceSettings {
  const sources = jobs.filter(({ name }) => name === job).flatMap(sourcesOf);
  const found = sources.find((each) => sourceId(each) === source);
  if (found !== undefined) return found;
  throw new SourceMissing(
    `afk.yaml has no job ${job} any more that reads the source this was drafted for; put it back, or reject the draft`,
  );
}
