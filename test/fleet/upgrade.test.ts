// @module-tag processes
// @module-tag slow
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { deploymentAt } from "../support/afk.ts";
import { until } from "../support/postgres/until.ts";
import { type Fleet, fleet } from "./support/fleet.ts";
import { type Fault, planted } from "./support/plant.ts";

/** A lease of 15 s has to run out where nobody gives it back. */
const PATIENCE = { timeout: 120_000 };

/** This version with one more migration, as the one after it would have. */
function next(beside: string): Fault {
  return {
    file: "store/migrations.ts",
    text: `"0013-fleet": alone(fleet),`,
    fault: `"0013-fleet": alone(fleet),
      "0014-next": {
        beside: ${beside},
        up: async (db) => void (await db.schema.alterTable("jobs").addColumn("colour", "text").execute()),
      },`,
  };
}
const ADDITIVE = next(`"0013-fleet"`);
const BREAKING = next("null");

/** The newer version migrates whoever is at work. */
const UNASKED: Fault = {
  file: "store/postgres/levels.ts",
  text: "if (older.length > 0) throw new MachinesOlder(name, older);",
  fault: "",
};
/** The older version works with whatever it meets, or with nothing that is newer. */
const TRUSTING: Fault = { file: "store/postgres/levels.ts", text: "if (mayWork) ", fault: "" };
const UNFENCED: Fault = {
  file: "store/postgres/levels.ts",
  text: "if (levels.min > LEVEL) throw newer([levels.newest]);",
  fault: "",
};
const STRICT: Fault = { file: "store/postgres/levels.ts", text: "if (mayWork) ", fault: "if (!mayWork) " };

const think = (...names: string[]) => names.map((name) => ({ name, kind: "think", every: "1d" }));

async function levels(at: Fleet) {
  const migrations = await at.query<{ name: string }>("select name from kysely_migration order by name");
  const machines = await at.query<{ level: string }>(
    "select level from machines where ended_at is null and lost_at is null order by level",
  );
  return { schema: migrations.at(-1)?.name, atWork: machines.map(({ level }) => level) };
}

const states = async (at: Fleet) =>
  Object.fromEntries(
    (await at.query<{ name: string; state: string }>("select name, state from jobs")).map(
      ({ name, state }) => [name, state],
    ),
  );

describe("a newer version beside an older one", PATIENCE, () => {
  it("migrates and joins, and both work under one cap until the older is replaced", async () => {
    const jobs = think("one", "two");
    const at = await fleet({ jobs, budget: { daily_cap_calls: 5 } });
    const old = at.start("old");
    await old.logged("thinking");
    const newer = at.start("newer", [ADDITIVE]);
    await newer.logged("thinking");
    expect(await levels(at)).toEqual({ schema: "0014-next", atWork: ["0013-fleet", "0014-next"] });
    at.letGo("old", "newer");
    await Promise.all([old.logged("job_done"), newer.logged("job_done")]);
    expect(await states(at)).toEqual({ one: "done", two: "done" });
    // An older one that was not there before.
    old.kill("SIGTERM");
    expect(await old.ended).toBe(0);
    jobs.push(...think("three"));
    at.letGo("late");
    const late = at.start("late");
    await until("the one cap refuses its second call", () => late.lines.some((line) => line.includes("cap")));
    const entries = await at.query<{ runner: string; state: string; cost_micros: number }>(
      "select runner, state, cost_micros from ledger order by id",
    );
    expect(entries.map(({ state }) => state)).toEqual(Array(5).fill("settled"));
    expect(new Set(entries.map(({ runner }) => runner)).size).toBe(3);
    expect(entries.reduce((sum, { cost_micros }) => sum + cost_micros, 0)).toBe(at.bill());
    late.kill("SIGTERM");
    expect(await late.ended).toBe(0);
    expect((await levels(at)).atWork).toEqual(["0014-next"]);
    newer.kill("SIGTERM");
    expect(await newer.ended).toBe(0);
  });

  it("finds out an older version that works with no newer schema", async () => {
    const at = await fleet();
    const newer = at.start("newer", [ADDITIVE]);
    await newer.logged("thinking");
    const old = at.start("old", [STRICT]);
    expect(await old.ended).toBe(1);
    expect(old.lines.at(-1)).toContain("newer than this version");
  });
});

describe("a newer version that the older cannot work beside", PATIENCE, () => {
  async function met(at: Fleet, faults: Fault[] = []) {
    const old = at.start("old");
    await old.logged("thinking");
    const newer = at.start("newer", [BREAKING, ...faults]);
    const isAsked = await Promise.race([newer.ended, newer.logged("machine_joined").then(() => "joined")]);
    return { old, newer, became: isAsked };
  }

  it("is refused while the older is at work, and migrates after its end", async () => {
    const at = await fleet();
    const { old, newer, became } = await met(at);
    expect(became).toBe(78);
    expect(newer.lines.at(-1)).toMatch(/0014-next.*they are at work: .*nothing was changed/);
    expect(await levels(at)).toEqual({ schema: "0013-fleet", atWork: ["0013-fleet"] });
    // It cannot stop the others either, and does not say that it has.
    const here = deploymentAt(newer.dir);
    const jobs = [{ name: "nothing", kind: "exec", every: "1d", command: ["true"] }];
    here.configure({ ...JSON.parse(readFileSync(here.configFile, "utf8")), jobs });
    const stop = await here.afk(["stop"], planted([BREAKING]));
    expect(stop.code, stop.stdout + stop.stderr).toBe(69);
    expect(stop.stdout + stop.stderr).toContain("ONLY THIS MACHINE was stopped");
    rmSync(join(newer.dir, "state", "STOP"));
    at.letGo("old");
    await old.logged("job_done");
    old.kill("SIGTERM");
    expect(await old.ended).toBe(0);
    const again = at.start("newer", [BREAKING]);
    await again.logged("machine_joined");
    expect(await levels(at)).toEqual({ schema: "0014-next", atWork: ["0014-next"] });
    const late = at.start("old");
    expect(await late.ended).toBe(1);
    expect(late.lines.at(-1)).toContain("newer than this version");
    expect(late.events).not.toContain("machine_joined");
  });

  it("migrates once the lease of one that was killed is over", async () => {
    const at = await fleet();
    const { old, became } = await met(at);
    expect(became).toBe(78);
    old.kill("SIGKILL");
    await until("its lease is over", async () => {
      const [row] = await at.query<{ isOver: boolean }>(
        `select lease_until < extract(epoch from clock_timestamp()) * 1000 as "isOver" from machines`,
      );
      return row?.isOver === true;
    });
    await at.start("newer", [BREAKING]).logged("machine_joined");
    expect((await levels(at)).schema).toBe("0014-next");
  });

  it("finds out a migration that asks nobody", async () => {
    const at = await fleet();
    const { became } = await met(at, [UNASKED]);
    expect(became).toBe("joined");
    expect(await levels(at)).toEqual({ schema: "0014-next", atWork: ["0013-fleet", "0014-next"] });
  });

  it("finds out an older version that works with whatever it meets", async () => {
    const at = await fleet();
    await at.start("newer", [BREAKING]).logged("machine_joined");
    await at.start("old", [TRUSTING, UNFENCED]).logged("machine_joined");
    // The gate alone holds it off too.
    const fenced = at.start("other", [TRUSTING]);
    expect(await fenced.ended).toBe(1);
    expect(fenced.events).not.toContain("machine_joined");
  });
});
