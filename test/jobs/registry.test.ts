import { toJsonSchema } from "@valibot/to-json-schema";
import { expect, test } from "vitest";
import { PARSER_ONLY } from "../../scripts/json-schema.ts";
import { jobKinds } from "../../src/jobs/registry.ts";

test("each kind has a name of its own", () => {
  expect(new Set(jobKinds.map((kind) => kind.kind)).size).toBe(jobKinds.length);
});

test.each(jobKinds)("the settings of $kind can be written as a JSON Schema", ({ settings }) => {
  const schema = toJsonSchema(settings, {
    typeMode: "input",
    errorMode: "throw",
    ignoreActions: PARSER_ONLY,
  });
  expect(schema).toMatchObject({ type: "object", additionalProperties: false });
});
