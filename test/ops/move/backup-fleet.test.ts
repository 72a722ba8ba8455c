// @module-tag processes
// @module-tag slow
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { systemClock } from "../../../src/lib/clock.ts";
import { closing } from "../../../src/lib/closing.ts";
import { adoptState } from "../../../src/ops/adopt.ts";
import { backupState } from "../../../src/ops/backup.ts";
import { raiseHighWater, readMark } from "../../../src/ops/high-water.ts";
import { moveToSqlite } from "../../../src/ops/move/to-sqlite.ts";
import { openState } from "../../../src/ops/own-state.ts";
import { restoreState } from "../../../src/ops/restore.ts";
import { enqueue } from "../../../src/queue/enqueue.ts";
import { readMeta } from "../../../src/store/meta.ts";
import { withWholeState } from "../../../src/store/postgres/whole-state.ts";
import { openCopy, readManifest } from "../../../src/store/sqlite/backup.ts";
import { load, withBase } from "../../config/support.ts";
import { planted } from "../../fleet/support/plant.ts";
import { newJob } from "../../queue/new-job.ts";
import { deployment } from "../../support/afk.ts";
import { postgresProblem } from "../../support/postgres/binaries.ts";
import { freshDatabase } from "../../support/postgres/shared.ts";
import { freshState } from "../../support/postgres/state.ts";

const problem = postgresProblem();
const skipped = problem === null ? "" : ` -- skipped: ${problem}`;
const clock = systemClock;
const SLOW = { timeout: 120_000 };

describe.skipIf(problem !== null)(`backups of a fleet${skipped}`, () => {
  test("are files of SQLite, and restored by all rows at once, stopped, with the former copy kept", async () => {
    const database = await freshState();
    const config = load(withBase({ agent: "test", database }));
    mkdirSync(config.paths.state, { recursive: true });
    const file = join(config.paths.base, "copy.db");
    const add = async (name: string) =>
      await closing(await openState(config), (store) =>
        store.atomically((trx) =>
          trx
            .insertInto("paused_jobs")
            .values({ job_name: name, paused_at: 1, by: "keyboard", reason: null })
            .execute(),
        ),
      );
    const read = async () =>
      await closing(await openState(config), async ({ db }) => ({
        paused: (await db.selectFrom("paused_jobs").select("job_name").execute()).map((row) => row.job_name),
        killed: (await db.selectFrom("kill_switch").selectAll().executeTakeFirstOrThrow()).reason,
        gate: await db.selectFrom("gate").selectAll().executeTakeFirstOrThrow(),
      }));
    await add("before");
    const backup = await backupState({ config, clock, version: "1.2.3", file, isForced: false, keep: null });
    expect(backup.bytes).toBeGreaterThan(0);
    expect(await closing(await openCopy(file), ({ db }) => readManifest(db))).toMatchObject({
      agent: "test",
    });
    await add("after");
    // What another machine has seen of it, which this one has not.
    const mark = join(config.paths.base, "of-another.json");
    await closing(await openState(config), async (store) => {
      for (let ticks = 0; ticks < 3; ticks++) await raiseHighWater(store, mark);
    });
    const { gate } = await read();
    const request = { config, clock, file, isForced: false };
    await restoreState({ ...request, isDryRun: true });
    expect((await read()).paused).toEqual(["before", "after"]);
    const restored = await restoreState({ ...request, isDryRun: false });
    const now = await read();
    expect(now.paused).toEqual(["before"]);
    expect(now.killed).toContain("was restored");
    expect(now.gate.epoch).toBe(gate.epoch + 1);
    expect(now.gate.generation).toBeGreaterThan(gate.generation);
    expect(await closing(await openState(config), ({ db }) => readMeta(db, "generation"))).toBe(
      readMark(mark).generation,
    );
    const former = await closing(await openCopy(restored.kept ?? ""), ({ db }) =>
      db.selectFrom("paused_jobs").select("job_name").execute(),
    );
    expect(former).toHaveLength(2);
  });

  test("are restored into a new database, which a look at them leaves as it is", async () => {
    const config = load(withBase({ agent: "test", database: await freshState() }));
    mkdirSync(config.paths.state, { recursive: true });
    const file = join(config.paths.base, "copy.db");
    await closing(await openState(config), (store) =>
      store.atomically((trx) =>
        trx
          .insertInto("paused_jobs")
          .values({ job_name: "work", paused_at: 1, by: "keyboard", reason: null })
          .execute(),
      ),
    );
    await backupState({ config, clock, version: "1.2.3", file, isForced: false, keep: null });
    const target = { url: await freshDatabase(), schema: "afk_new" };
    const fresh = load(withBase({ agent: "test", database: target }));
    const request = { config: fresh, clock, file, isForced: false };
    await restoreState({ ...request, isDryRun: true });
    expect(await withWholeState(target, async ({ applied }) => applied)).toEqual([]);
    expect(await restoreState({ ...request, isDryRun: false })).toMatchObject({ kept: null });
    await closing(await openState(fresh), async ({ db }) => {
      expect(await db.selectFrom("paused_jobs").select("job_name").execute()).toEqual([{ job_name: "work" }]);
      const { reason } = await db.selectFrom("kill_switch").selectAll().executeTakeFirstOrThrow();
      expect(reason).toContain("was restored");
    });
  });

  test(
    "are restored where none of its machines is any more, and what one had begun is ended there",
    SLOW,
    async () => {
      const config = load(withBase({ agent: "test", database: await freshState() }));
      mkdirSync(config.paths.state, { recursive: true });
      const file = join(config.paths.base, "copy.db");
      await closing(await openState(config), async (store) => {
        await store.atomically((trx) => enqueue(trx, newJob("job", { byHand: true }), clock.nowMs()));
        const { id: job_id } = await store.db.selectFrom("jobs").select("id").executeTakeFirstOrThrow();
        const times = { created_at: 1, published_at: 1 };
        const output = {
          ...{ name: "made.md", job_id, content: "made" },
          ...times,
          state: "published",
        } as const;
        await store.db
          .insertInto("outputs")
          .values({ ...output, machine: "gone" })
          .execute();
        const begun = { id: "begun", started_at: 1, outcome: "running", by_hand: 0, version: "1" } as const;
        const nothing = { finished_at: null, reason: null, units: 0, cost_micros: 0, next_due_at: null };
        await store.db
          .insertInto("ticks")
          .values({ ...begun, ...nothing, machine: "gone" })
          .execute();
      });
      await backupState({ config, clock, version: "1.2.3", file, isForced: false, keep: null });
      const target = deployment(withBase({ agent: "test", jobs: [], database: await freshState() }));
      expect(await target.afk(["restore", file])).toMatchObject({ code: 0 });
      expect(await target.afk(["tick"])).toMatchObject({ code: 0 });
      expect(target.outputs()["made.md"]).toBe("made");
      const { ticks } = JSON.parse((await target.afk(["status", "--json"])).stdout);
      expect(ticks.map(({ outcome }: { outcome: string }) => outcome)).toEqual(["crashed", "halted"]);
      expect(JSON.parse((await target.afk(["status", "--json"])).stdout).outputs).toEqual({ pending: 0 });
    },
  );

  test("neither restore nor adopt while a machine has a lease", async () => {
    const database = await freshState();
    const config = load(withBase({ agent: "test", database }));
    mkdirSync(config.paths.state, { recursive: true });
    const file = join(config.paths.base, "copy.db");
    await backupState({ config, clock, version: "1.2.3", file, isForced: false, keep: null });
    const now = clock.nowMs();
    const machine = {
      id: "m",
      runner: "r",
      name: "host",
      boot_id: "b",
      pid: 1,
      process_started: "1",
      version: "1",
      level: "x",
    };
    const times = { started_at: now, lease_until: now + 60_000, looked_at: now, clock_off_ms: 0 };
    await closing(await openState(config), ({ db }) =>
      db
        .insertInto("machines")
        .values({ ...machine, ...times, lost_at: null, ended_at: null })
        .execute(),
    );
    const renamed = { ...config, agent: "renamed" };
    await expect(
      restoreState({ config, clock, file, isForced: false, isDryRun: false }),
    ).rejects.toMatchObject({ exitCode: 75 });
    await expect(adoptState(renamed, clock, async () => undefined)).rejects.toMatchObject({ exitCode: 75 });
    // Also while the database's clock is an hour ahead of the time that holds, by which leases are.
    const hour = 3_600_000;
    await closing(await openState(config), async ({ db }) => {
      await db
        .updateTable("gate")
        .set({ shift_ms: -hour, latest_at: now - hour })
        .execute();
      await db
        .updateTable("machines")
        .set({ lease_until: now - hour + 60_000 })
        .execute();
    });
    await expect(
      restoreState({ config, clock, file, isForced: false, isDryRun: false }),
    ).rejects.toMatchObject({ exitCode: 75 });
    await expect(moveToSqlite({ config, target: database })).rejects.toMatchObject({ exitCode: 75 });
    const end = async (at: number | null) =>
      await closing(await openState(config), ({ db }) =>
        db.updateTable("machines").set({ ended_at: at }).execute(),
      );
    await end(now);
    // One that begins while a person is asked.
    await expect(adoptState(renamed, clock, async () => void (await end(null)))).rejects.toMatchObject({
      exitCode: 75,
    });
    await end(now);
    expect(await adoptState(renamed, clock, async () => undefined)).toMatchObject({
      from: "test",
      to: "renamed",
    });
  });

  test("that are killed leave nothing that the next tick or backup does not remove", SLOW, async () => {
    const database = await freshState();
    const jobs = [{ name: "nothing", kind: "exec", every: "1d", command: ["true"] }];
    const target = deployment({ ...withBase({ agent: "test", database }), jobs });
    const names = () => readdirSync(target.state).filter((name) => name.startsWith("copying.db"));
    const lines = (text: string, fault: string) => planted([{ file: "ops/backup.ts", text, fault }]);
    const COPY = "await closing(await openCopy(filling)";
    const killed = () =>
      target.afk(["backup", "copy.db"], lines(COPY, `process.kill(process.pid, "SIGKILL"); ${COPY}`));
    expect((await killed()).signal).toBe("SIGKILL");
    expect(names()).toContain("copying.db");
    const tick = await target.afk(["tick"]);
    expect(tick.code, tick.stderr).toBe(0);
    expect(names()).toEqual([]);

    expect((await killed()).signal).toBe("SIGKILL");
    const slow = target.start(
      ["backup", "slow.db"],
      lines(
        COPY,
        `process.stdout.write("copied"); while (!existsSync("go")) await new Promise((on) => setTimeout(on, 20)); ${COPY}`,
      ),
    );
    await slow.printed(/copied/);
    // It is at work, and nobody takes its file away.
    const during = await target.afk(["tick"]);
    expect(during.code, during.stderr).toBe(0);
    expect(names()).toContain("copying.db");
    const second = await target.afk(["backup", "second.db"]);
    expect(second.code).toBe(75);
    expect(second.stderr).toContain("copying-lock.db is locked");
    target.write("go", "");
    const ended = await slow.ended;
    expect(ended.code, ended.stderr).toBe(0);
    expect(names()).toEqual([]);
    expect(
      await closing(await openCopy(join(target.dir, "slow.db")), ({ db }) => readManifest(db)),
    ).toMatchObject({ agent: "test" });
  });
});
