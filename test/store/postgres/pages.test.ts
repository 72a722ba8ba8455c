// @module-tag processes
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { openStoreAt } from "../../../src/store/open.ts";
import { postgresProblem } from "../../support/postgres/binaries.ts";
import { freshState } from "../../support/postgres/state.ts";
import { tempDir } from "../../support/temp.ts";

const problem = postgresProblem();
const PAGE = {
  url_hash: "a",
  etag: null,
  last_modified: null,
  content_type: "text/html",
  body: Buffer.from("x"),
  fetched_at: 1,
};

describe.skipIf(problem !== null)("the pages that a machine of a fleet keeps", () => {
  test("are its own, and outlive the process", async () => {
    const target = await freshState();
    const [one, other] = [tempDir(), tempDir()];
    const keep = await openStoreAt({ path: join(one, "afk.db"), target });
    await keep.pages.insertInto("http_cache").values(PAGE).execute();
    expect(await keep.db.selectFrom("http_cache").selectAll().execute()).toEqual([]);
    await keep.close();
    expect(await countIn(one, target)).toBe(1);
    expect(await countIn(other, target)).toBe(0);
  });

  test("are fetched again where their file is damaged", async () => {
    const target = await freshState();
    const state = tempDir();
    writeFileSync(
      join(state, "cache.db"),
      "no database at all, and longer than a header has to be".repeat(40),
    );
    expect(await countIn(state, target)).toBe(0);
  });
});

async function countIn(state: string, target: Awaited<ReturnType<typeof freshState>>): Promise<number> {
  const store = await openStoreAt({ path: join(state, "afk.db"), target });
  try {
    return (await store.pages.selectFrom("http_cache").select("url_hash").execute()).length;
  } finally {
    await store.close();
  }
}
