import * as v from "valibot";
import { duration, integer, list, section, text } from "./fields.ts";

const WRITE_FILE =
  "write the name of a file in out/, in which * stands for anything, for example report-*.md";
const WRITE_TEXT = "write a text, or a list of at most 20, each of which has to be there";
const WRITE_JSON =
  "write true, or { schema: path of a JSON schema }, for example { schema: ./report.schema.json }";
const WRITE_ONE = "write at least one of units, file, json, contains and max_age";

/** The section `expect` of a job. */
export function expectSchema() {
  const found = text("A text.", WRITE_TEXT, /^[^\0]+$/, 1_000);
  return v.pipe(
    section(
      "What a run must have given when it ends. Where that is missing the run has failed, whatever its exit code: nothing of it is published, remembered or delivered (docs/jobs.md).",
      {
        units: v.optional(integer("Units of output, at least.", "how many units", [1, 10_000])),
        file: v.optional(
          text(
            "A file that it publishes, by its name; * stands for anything.",
            WRITE_FILE,
            /^[^\s/\\]+$/,
            160,
          ),
        ),
        json: v.optional(
          v.pipe(
            v.union(
              [
                v.literal(true),
                section("A schema that it has to fit.", {
                  schema: text("The path of a JSON schema.", WRITE_JSON, /^[^\0]+$/, 2_000),
                }),
              ],
              WRITE_JSON,
            ),
            v.description("That file, or else what its program printed, is JSON, and fits the schema."),
          ),
        ),
        contains: v.optional(
          v.pipe(
            v.union([found, list("Texts.", WRITE_TEXT, found, 20)], WRITE_TEXT),
            v.description("Texts that are in that file, or else in what it printed, published or reports."),
          ),
        ),
        max_age: v.optional(duration("The newest of what it read is at most so old.", "365d")),
      },
    ),
    v.check((read) => Object.values(read).some((each) => each !== undefined), WRITE_ONE),
    v.transform(({ units = 0, file = null, json, contains = [], max_age: maxAgeMs = null }) => ({
      /** 0 for any. */
      units,
      file,
      isJson: json !== undefined,
      /** As afk.yaml has it; of a JSON schema. */
      schemaPath: typeof json === "object" ? json.schema : null,
      contains: [contains].flat(),
      maxAgeMs,
    })),
  );
}

/** What a run must have given. */
export type Expectation = v.InferOutput<ReturnType<typeof expectSchema>>;
