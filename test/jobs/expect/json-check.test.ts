import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openJsonCheck } from "../../../src/jobs/expect/json-check.ts";
import { tempDir } from "../../support/temp.ts";

it("misses what is nested as deep as a schema that refers to itself can be made to go", async () => {
  const path = join(tempDir(), "nested.schema.json");
  writeFileSync(path, '{ "type": "array", "items": { "$ref": "#" } }');
  const check = await openJsonCheck(path);
  expect(check(`${"[".repeat(200_000)}${"]".repeat(200_000)}`)).toMatch(/nested too deeply/);
  expect(check("[[]]")).toBeNull();
});
