// @module-tag processes
// @module-tag slow
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { systemClock } from "../../../src/lib/clock.ts";
import { closing } from "../../../src/lib/closing.ts";
import { AfkError, EXIT } from "../../../src/lib/errors.ts";
import { refuseForgotten } from "../../../src/ops/forgotten-database.ts";
import { copyWhole } from "../../../src/ops/move/portable.ts";
import { moveToPostgres } from "../../../src/ops/move/to-postgres.ts";
import { openState } from "../../../src/ops/own-state.ts";
import { openPostgresStore } from "../../../src/store/postgres/open.ts";
import { withBase } from "../../config/support.ts";
import { type Fault, planted } from "../../fleet/support/plant.ts";
import { deploymentAt } from "../../support/afk.ts";
import { postgresProblem } from "../../support/postgres/binaries.ts";
import { sharedPostgres } from "../../support/postgres/shared.ts";
import { until } from "../../support/postgres/until.ts";
import { allOf, stopped } from "./prepared.ts";

const problem = postgresProblem();
const skipped = problem === null ? "" : ` -- skipped: ${problem}`;
const SLOW = { timeout: 240_000 };
const KILL = `process.kill(process.pid, "SIGKILL");`;

const before = (file: string, text: string): Fault => ({ file, text, fault: `${KILL} ${text}` });
const after = (file: string, text: string): Fault => ({ file, text, fault: `${text} ${KILL}` });
const THERE = "ops/move/to-postgres.ts";
const BACK = "ops/move/to-sqlite.ts";
const CLOSE_THERE = `await state.trx.deleteFrom("gate").execute();`;
const CLOSE_BACK = `await trx.deleteFrom("gate").execute();`;
const IN_ROWS: Fault = {
  file: "store/copy-rows.ts",
  text: "if (rows.length > 0)",
  fault: `if (table === "ledger") ${KILL} if (rows.length > 0)`,
};

type Place = "sqlite" | "postgres";
type Scene = Awaited<ReturnType<typeof scene>>;

/** A stopped agent whose state is at `from`, the command that moves it away from there, and what it holds. */
async function scene(from: Place) {
  const { target, config, ...paths } = await stopped();
  const document = JSON.stringify(withBase({ agent: config.agent, database: target }));
  const here = deploymentAt(config.paths.base, document);
  const fleet = { ...config, database: target };
  if (from === "postgres") {
    await moveToPostgres({ config, target, clock: systemClock });
    // What a machine of a fleet has beside its state.
    writeFileSync(join(paths.state, "machine.json"), '{"id":"x"}');
    await closing(await openPostgresStore(target, { state: paths.state }), (store) =>
      store.atomically(async () => undefined),
    );
    expect(existsSync(join(paths.state, "fleet-mark.json"))).toBe(true);
  }
  const all = async (place: Place) => {
    const copy = join(config.paths.base, "looked-at.db");
    if (place === "postgres") await copyWhole(target, copy);
    return await allOf(place === "postgres" ? copy : paths.database);
  };
  const to: Place = from === "sqlite" ? "postgres" : "sqlite";
  const start = (...faults: Fault[]) => here.start(["move", "--to", to], planted(faults));
  /** Sessions of a process that was killed end by themselves, and what they were told to commit may come late. */
  const isQuiet = async () =>
    await until("nobody is in the database", async () => {
      const server = await sharedPostgres();
      const name = new URL(target.url).pathname.slice(1);
      const found = await server.query("select 1 from pg_stat_activity where datname = $1", [name]);
      return found.length === 0;
    });
  return { from, to, config, fleet, start, all, isQuiet, held: await all(from) };
}

/** Where an agent can work with what was there, with the database in its configuration and without it. */
async function live({ config, fleet, held, isQuiet }: Scene): Promise<Place[]> {
  const found: Place[] = [];
  for (const place of ["sqlite", "postgres"] as const) {
    try {
      if (place === "sqlite") refuseForgotten(config);
      const spent = await closing(await openState(place === "sqlite" ? config : fleet), ({ db }) =>
        db.selectFrom("ledger").selectAll().execute(),
      );
      // Else it is a new and empty budget.
      expect(spent).toHaveLength(held.ledger?.length ?? 0);
      found.push(place);
    } catch (error) {
      if (!(error instanceof AfkError)) throw error;
      expect([EXIT.config, EXIT.failed], error.message).toContain(error.exitCode);
    }
  }
  await isQuiet();
  return found;
}

/** What is done meanwhile where the state still is has to go along. */
async function goesOn(at: Scene, what: string): Promise<void> {
  const row = { job_name: what, paused_at: 1, by: "keyboard" as const, reason: null };
  await closing(await openState(at.from === "sqlite" ? at.config : at.fleet), (store) =>
    store.atomically((trx) => trx.insertInto("paused_jobs").values(row).execute()),
  );
  await at.isQuiet();
  const held = await at.all(at.from);
  expect(held.paused_jobs).toHaveLength((at.held.paused_jobs?.length ?? 0) + 1);
  at.held = held;
}

async function endsWhenSaidAgain(at: Scene): Promise<void> {
  const { code, stderr } = await at.start().ended;
  expect(code, stderr).toBe(0);
  expect(await at.all(at.to)).toEqual(at.held);
  expect(await live(at)).toEqual([at.to]);
}

const TO_POSTGRES: [where: string, fault: Fault, live: Place[]][] = [
  ["before its schema is made", before(THERE, "await refuseOccupied(state, target);"), ["sqlite"]],
  ["in the middle of its rows", IN_ROWS, ["sqlite"]],
  ["before its commit", after(THERE, CLOSE_THERE), ["sqlite"]],
  ["after its commit", before(THERE, "const kept = movedName(database, toIso(atMs));"), ["sqlite"]],
  ["once the file has its other name", before(THERE, "syncPath(dirname(database));"), []],
  ["while the schema is opened", before(THERE, "const numbers = {"), []],
  ["once the schema is open", before(THERE, `for (const suffix of ["-wal", "-shm"])`), ["postgres"]],
];

const TO_SQLITE: [where: string, fault: Fault, live: Place[]][] = [
  ["in the middle of its rows", IN_ROWS, ["postgres"]],
  ["once the file is filled", before(BACK, "syncPath(filled);"), ["postgres"]],
  ["before its commit", after(BACK, CLOSE_BACK), ["postgres"]],
  [
    "between the signs of a fleet that it removes",
    {
      file: BACK,
      text: "rmSync(sign, { force: true });",
      fault: `{ rmSync(sign, { force: true }); ${KILL} }`,
    },
    [],
  ],
  ["before the file has its name", before(BACK, "if (existsSync(filled)) renameSync(filled, database);"), []],
  ["once the file has its name", before(BACK, "syncPath(dirname(database));"), ["sqlite"]],
];

const EACH: [from: Place, points: typeof TO_POSTGRES][] = [
  ["sqlite", TO_POSTGRES],
  ["postgres", TO_SQLITE],
];

describe.skipIf(problem !== null)(`a move that is killed${skipped}`, SLOW, () => {
  test.each(EACH)(
    "from %s, at one point after the other, loses nothing and ends when it is said again",
    async (from, points) => {
      const at = await scene(from);
      for (const [where, fault, leaves] of points) {
        const { signal, stderr } = await at.start(fault).ended;
        expect(signal, `${where}: ${stderr}`).toBe("SIGKILL");
        await at.isQuiet();
        expect(await live(at), where).toEqual(leaves);
        for (const place of leaves) expect(await at.all(place), where).toEqual(at.held);
        if (leaves.includes(from)) await goesOn(at, where);
      }
      await endsWhenSaidAgain(at);
    },
  );

  test.each<Place>(["sqlite", "postgres"])(
    "from %s at any moment leaves one state at most, and ends when it is said again",
    async (from) => {
      const KILLS = 4;
      const at = await scene(from);
      const whole = await scene(from);
      const began = performance.now();
      expect((await whole.start().ended).code).toBe(0);
      const takesMs = performance.now() - began;
      for (let kill = 1; kill <= KILLS; kill++) {
        const moving = at.start();
        await systemClock.sleep((takesMs * (kill + Math.random())) / (KILLS + 1));
        moving.kill("SIGKILL");
        await moving.ended;
        await at.isQuiet();
        const leaves = await live(at);
        expect(leaves.length).toBeLessThanOrEqual(1);
        for (const place of leaves) expect(await at.all(place)).toEqual(at.held);
      }
      await endsWhenSaidAgain(at);
    },
  );

  test("is found out where it leaves the schema open before the file has its other name", async () => {
    const at = await scene("sqlite");
    const isLeftOpen = { file: THERE, text: CLOSE_THERE, fault: "" };
    const cut = before(THERE, "const kept = movedName(database, toIso(atMs));");
    expect((await at.start(isLeftOpen, cut).ended).signal).toBe("SIGKILL");
    await at.isQuiet();
    expect(await live(at)).toEqual(["sqlite", "postgres"]);
  });

  test("is found out where it leaves the schema open that it has moved away from", async () => {
    const at = await scene("postgres");
    expect((await at.start({ file: BACK, text: CLOSE_BACK, fault: "" }).ended).code).toBe(0);
    expect(await live(at)).toEqual(["sqlite", "postgres"]);
  });
});
