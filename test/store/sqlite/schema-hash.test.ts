import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { HASHES_FILE, renderHashes } from "../../../scripts/schema-hashes.ts";

test("the hashes of the schema are those of the migrations: `npm run schema` writes them", async () => {
  expect(readFileSync(HASHES_FILE, "utf8")).toBe(await renderHashes());
});
