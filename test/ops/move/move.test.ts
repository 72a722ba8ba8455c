// @module-tag processes
// @module-tag slow
import { existsSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { systemClock } from "../../../src/lib/clock.ts";
import { closing } from "../../../src/lib/closing.ts";
import { moveToPostgres } from "../../../src/ops/move/to-postgres.ts";
import { moveToSqlite } from "../../../src/ops/move/to-sqlite.ts";
import { openState } from "../../../src/ops/own-state.ts";
import { copyRows } from "../../../src/store/copy-rows.ts";
import { readMeta } from "../../../src/store/meta.ts";
import { openPostgresStore } from "../../../src/store/postgres/open.ts";
import { type WholeState, withWholeState } from "../../../src/store/postgres/whole-state.ts";
import { acquireLock } from "../../../src/store/sqlite/lock.ts";
import { openStore } from "../../../src/store/sqlite/open.ts";
import { rowsOf } from "../../../src/store/sqlite/rows.ts";
import { load, withBase } from "../../config/support.ts";
import { type Fault, planted } from "../../fleet/support/plant.ts";
import { deploymentAt } from "../../support/afk.ts";
import { postgresProblem } from "../../support/postgres/binaries.ts";
import { until } from "../../support/postgres/until.ts";
import { allOf, stopped } from "./prepared.ts";

const problem = postgresProblem();
const skipped = problem === null ? "" : ` -- skipped: ${problem}`;

describe.skipIf(problem !== null)(`moving a state${skipped}`, () => {
  test("takes every row to PostgreSQL and back, and leaves each source closed", async () => {
    const { target, config, database, state } = await stopped();
    const before = await allOf(database);
    expect(before.ledger?.length).toBeGreaterThan(0);
    const moved = await moveToPostgres({ config, target, clock: systemClock });
    expect(moved.tables.find(({ table }) => table === "ledger")?.rows).toBe(before.ledger?.length);
    expect(existsSync(database)).toBe(false);
    expect(existsSync(moved.kept)).toBe(true);
    // Under another name there is none, and no new one begins.
    const other = { ...config, database: { ...target, schema: "afk_other" } };
    await expect(openState(other)).rejects.toThrow("was moved to PostgreSQL");
    const store = await openPostgresStore(target);
    // Numbers go on where they were, and a section passes the gate.
    const owner = await store.atomically((trx) =>
      trx
        .insertInto("owners")
        .values({ agent: config.agent, since_at: 9 })
        .returning("id")
        .executeTakeFirst(),
    );
    expect(owner?.id).toBe(1 + (before.owners?.length ?? 0));
    await store.atomically((trx) => trx.deleteFrom("owners").where("since_at", "=", 9).execute());
    await store.close();
    writeFileSync(join(state, "machine.json"), '{"id":"x"}');
    const back = await moveToSqlite({ config, target });
    expect(back.to).toBe(database);
    expect(await allOf(database)).toEqual({ ...before, http_cache: [], robots: [] });
    expect(readdirSync(state)).not.toContain("machine.json");
    await expect(openPostgresStore(target)).rejects.toMatchObject({
      code: "store_closed",
      message: expect.stringContaining("was moved away"),
    });
    // Another move does not take the place of what it was.
    await expect(moveToPostgres({ config, target, clock: systemClock })).rejects.toMatchObject({
      code: "schema_occupied",
    });
    expect(existsSync(database)).toBe(true);
    // Said again here it has ended; where the state is not, no second one is made of the closed schema.
    expect(await moveToSqlite({ config, target })).toMatchObject({ to: database, tables: [] });
    const elsewhere = load(withBase({ agent: config.agent }));
    await expect(moveToSqlite({ config: elsewhere, target })).rejects.toMatchObject({ code: "moved_away" });
    expect(existsSync(elsewhere.paths.database)).toBe(false);
  });

  test("keeps its lock until the file has its other name: what waits for it is not accepted into that", async () => {
    const { target, config, stopFile } = await stopped();
    const jobs = [{ name: "work", kind: "exec", every: "1d", command: ["true"] }];
    const here = deploymentAt(config.paths.base, JSON.stringify(withBase({ agent: config.agent, jobs })));
    const waits: Fault = {
      file: "ops/move/to-postgres.ts",
      text: "renameSync(database, kept);",
      fault: "await new Promise((resolve) => setTimeout(resolve, 5_000)); renameSync(database, kept);",
    };
    const moving = here.start(["move", "--to", target.url, "--schema", target.schema], planted([waits]));
    await until("the schema is full", async () => {
      const isFull = async ({ applied, trx }: WholeState) =>
        applied.length > 0 && (await readMeta(trx, "moving_in_at")) > 0;
      return await withWholeState(target, isFull, "look");
    });
    const [added, stop, moved] = await Promise.all([
      here.afk(["enqueue", "work"]),
      here.afk(["stop"]),
      moving.ended,
    ]);
    expect([moved.code, added.code]).toEqual([0, 1]);
    expect(added.stderr).toContain("nothing was written");
    // The file stops whoever works here, which is asked for before anything else.
    expect(existsSync(stopFile), stop.stdout + stop.stderr).toBe(true);
  });

  test("is refused beside a worker, a gateway, a machine with a lease, and a schema in use", async () => {
    const { target, config, lock, gatewayLock } = await stopped();
    for (const path of [lock, gatewayLock]) {
      const held = acquireLock(path);
      await expect(moveToPostgres({ config, target, clock: systemClock })).rejects.toMatchObject({
        exitCode: 75,
      });
      held.release();
    }
    await moveToPostgres({ config, target, clock: systemClock });
    const store = await openPostgresStore(target);
    const now = systemClock.nowMs();
    const machine = {
      id: "m",
      runner: "r",
      name: "host",
      boot_id: "b",
      pid: 1,
      process_started: "1",
      version: "1",
      level: "0013-fleet",
    };
    const times = { started_at: now, lease_until: now + 15_000, looked_at: now, clock_off_ms: 0 };
    await store.db
      .insertInto("machines")
      .values({ ...machine, ...times, lost_at: null, ended_at: null })
      .execute();
    await expect(moveToSqlite({ config, target })).rejects.toMatchObject({
      exitCode: 75,
      message: expect.stringContaining("host (m)"),
    });
    await store.atomically(async () => undefined);
    await store.close();
  });

  test("a copy that is not the same is not taken", async () => {
    const { target, database } = await stopped();
    const lossy = withWholeState(target, async (whole) => {
      await whole.make();
      return await closing(await openStore(database), ({ db }) =>
        copyRows({
          from: rowsOf(db),
          to: {
            db: whole.trx,
            // A table that lost a cent on its way.
            rows: (table) =>
              (async function* () {
                for await (const part of whole.rows(table))
                  yield part.map((row) =>
                    table === "ledger" ? { ...row, estimate_micros: Number(row.estimate_micros) + 1 } : row,
                  );
              })(),
          },
        }),
      );
    });
    await expect(lossy).rejects.toMatchObject({
      code: "copy_differs",
      message: expect.stringMatching("ledger"),
    });
    // The whole transaction is gone.
    const found = await withWholeState(target, async ({ applied }) => applied.length);
    expect(found).toBe(0);
  });

  test("cut off after the schema is full, it leaves the file in use and the schema refused; said again, it ends", async () => {
    const { target, config, database } = await stopped();
    const before = await allOf(database);
    const move = () => moveToPostgres({ config, target, clock: systemClock });
    const { kept } = await move();
    const closeAgain = async (atMs: number) =>
      await withWholeState(target, async ({ trx }) => {
        await trx.insertInto("meta").values({ key: "moving_in_at", value: atMs }).execute();
        await trx.deleteFrom("gate").execute();
      });
    const refused = { code: "store_closed", message: expect.stringContaining("has not ended") };
    // Before the file had another name: all of it is done again.
    await closeAgain(1);
    renameSync(kept, database);
    await expect(openPostgresStore(target)).rejects.toMatchObject(refused);
    expect(await allOf(database)).toEqual(before);
    const again = await move();
    // After it: only the gate is missing.
    const moment = again.kept.split(".moved-")[1] ?? "";
    const [date, time] = moment.split("T");
    await closeAgain(Date.parse(`${date}T${time?.replace("-", ":").replace("-", ":")}`));
    await expect(openPostgresStore(target)).rejects.toMatchObject(refused);
    expect(await move()).toMatchObject({ kept: again.kept, tables: [] });
    await (await openPostgresStore(target)).close();
  });
});
