// @module-tag processes
import { describe, expect, it } from "vitest";
import { DAY_MS, MINUTE_MS } from "../../src/lib/durations.ts";
import { createNews } from "../../src/lib/news.ts";
import { enqueue } from "../../src/queue/enqueue.ts";
import { pendingNames, saveOutputs } from "../../src/queue/publish.ts";
import { markLost } from "../../src/runner/machines/mark-lost.ts";
import type { Db } from "../../src/store/schema.ts";
import { withBase } from "../config/support.ts";
import { newJob } from "../queue/new-job.ts";
import { deployment, PROCESSES } from "../support/afk.ts";
import { postgresProblem } from "../support/postgres/binaries.ts";
import { freshState, postgresStore } from "../support/postgres/state.ts";
import { railsOn } from "../support/rails-on.ts";
import { tempDir } from "../support/temp.ts";

const problem = postgresProblem();
const skipped = problem === null ? "" : ` -- skipped: ${problem}`;

/** A machine whose lease is over at that moment, and of which nobody has said that it is lost. */
async function addMachine(db: Db, id: string, leaseUntil: number): Promise<void> {
  const process = { boot_id: "b", pid: 1, process_started: "1", version: "1", level: "x" };
  const times = { started_at: 1, lease_until: leaseUntil, looked_at: 1, clock_off_ms: 0 };
  await db
    .insertInto("machines")
    .values({ id, runner: id, name: id, ...process, ...times, lost_at: null, ended_at: null })
    .execute();
}

describe.skipIf(problem !== null)(`machines that are gone for good${skipped}`, PROCESSES, () => {
  it("leave the files that they have not written to the others", async () => {
    const store = await postgresStore();
    const { db } = store;
    const { clock, outbox } = railsOn(store, tempDir());
    await store.atomically((trx) => enqueue(trx, newJob("job", { byHand: true }), clock.nowMs()));
    const { id } = await db.selectFrom("jobs").select("id").executeTakeFirstOrThrow();
    for (const machine of ["lost", "own"])
      await store.atomically((trx) =>
        saveOutputs(trx, id, [{ name: `of-${machine}.md`, content: "made" }], 1, machine),
      );
    await addMachine(db, "lost", clock.nowMs() - MINUTE_MS);
    await addMachine(db, "own", clock.nowMs() + MINUTE_MS);
    const own = { id: "own", part: "worker", runner: "own", heldUntilMs: 0, left: createNews() } as const;
    await markLost({ store, outbox, clock, sender: { wake: () => undefined } as never }, own);
    expect(await pendingNames(db, "a-third")).toEqual(["of-lost.md"]);
  });

  it("are shown for 30 days, and leave nothing in the database then", async () => {
    const database = await freshState();
    const { db } = await postgresStore(database);
    for (const [id, days] of [
      ["longer", 31],
      ["shorter", 29],
    ] as const) {
      await addMachine(db, id, Date.now() - days * DAY_MS);
      await db
        .insertInto("meta")
        .values({ key: `run_began_at_${id}`, value: 1 })
        .execute();
    }
    const target = deployment(withBase({ agent: "test", jobs: [], database }));
    expect(await target.afk(["tick"])).toMatchObject({ code: 0 });
    const machines = JSON.parse((await target.afk(["machines", "--json"])).stdout).machines;
    const names = machines.map(({ name }: { name: string }) => name);
    expect(names).toContain("shorter");
    expect(names).not.toContain("longer");
    const keys = (await db.selectFrom("meta").select("key").execute()).map(({ key }) => key);
    expect(keys).toContain("run_began_at_shorter");
    expect(keys).not.toContain("run_began_at_longer");
  });
});
