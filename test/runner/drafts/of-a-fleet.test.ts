// @module-tag processes
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { HOUR_MS, MINUTE_MS } from "../../../src/lib/durations.ts";
import { enqueue } from "../../../src/queue/enqueue.ts";
import { publishPending, saveOutputs } from "../../../src/queue/publish.ts";
import { orphanDrafts } from "../../../src/runner/drafts/state.ts";
import type { Store } from "../../../src/store/store.ts";
import { newJob } from "../../queue/new-job.ts";
import { postgresProblem } from "../../support/postgres/binaries.ts";
import { postgresStore } from "../../support/postgres/state.ts";
import { tempDir } from "../../support/temp.ts";

const problem = postgresProblem();
const skipped = problem === null ? "" : ` -- skipped: ${problem}`;
const NOW_MS = Date.parse("2026-11-21T10:00:00Z");

/** A store with a job that has made something. */
async function withJob(): Promise<{ store: Store; jobId: string }> {
  const store = await postgresStore();
  await store.atomically((trx) => enqueue(trx, newJob("job", { byHand: true }), NOW_MS));
  const { id } = await store.db.selectFrom("jobs").select("id").executeTakeFirstOrThrow();
  return { store, jobId: id };
}

describe.skipIf(problem !== null)(`what one machine of a fleet has begun${skipped}`, () => {
  /** Approvals under way when a machine looks, and what each is then. */
  async function approvals(machine: string | null): Promise<Record<string, string>> {
    const { store, jobId } = await withJob();
    const begun: [id: string, machine: string | null, agoMs: number][] = [
      ["own", "one", MINUTE_MS],
      ["of-another", "two", MINUTE_MS],
      ["of-another-long-ago", "two", HOUR_MS + MINUTE_MS],
      ["of-before-the-fleet", null, MINUTE_MS],
    ];
    for (const [id, of, agoMs] of begun)
      await store.db
        .insertInto("drafts")
        .values({
          ...{ id, job_id: jobId, name: id, action: "http", content: "{}", state: "approving" },
          ...{ created_at: NOW_MS - agoMs, attempted_at: NOW_MS - agoMs, machine: of },
        })
        .execute();
    await store.atomically((trx) => orphanDrafts(trx, machine, NOW_MS));
    const rows = await store.db.selectFrom("drafts").select(["id", "state"]).execute();
    return Object.fromEntries(rows.map(({ id, state }) => [id, state]));
  }

  test("is an approval that another does not call unknown while it may be under way", async () => {
    expect(await approvals("one")).toEqual({
      own: "unknown",
      "of-another": "approving",
      "of-another-long-ago": "unknown",
      "of-before-the-fleet": "unknown",
    });
  });

  test("would be called unknown by whoever goes by the lock alone, as where one machine is all", async () => {
    expect((await approvals(null))["of-another"]).toBe("unknown");
  });

  test("is a file that it writes itself, and no other does", async () => {
    const { store, jobId } = await withJob();
    await store.atomically(async (trx) => {
      await saveOutputs(trx, jobId, [{ name: "of-one.md", content: "one" }], NOW_MS, "one");
      await saveOutputs(trx, jobId, [{ name: "of-two.md", content: "two" }], NOW_MS, "two");
      await saveOutputs(trx, jobId, [{ name: "older.md", content: "older" }], NOW_MS, null);
    });
    const [outOfOne, outOfTwo] = [join(tempDir(), "out"), join(tempDir(), "out")];
    const { files } = await publishPending(store.db, outOfOne, NOW_MS, "one");
    expect(files.sort()).toEqual([join(outOfOne, "of-one.md"), join(outOfOne, "older.md")]);
    expect(existsSync(join(outOfOne, "of-two.md"))).toBe(false);
    // It is there for the machine that made it, however often others publish theirs.
    expect((await publishPending(store.db, outOfTwo, NOW_MS, "two")).files).toEqual([
      join(outOfTwo, "of-two.md"),
    ]);
    expect(readFileSync(join(outOfTwo, "of-two.md"), "utf8")).toBe("two");
  });
});
