// @module-tag processes
// @module-tag slow
import { describe, expect, onTestFinished, test } from "vitest";
import type { DatabaseTarget } from "../../src/lib/database-target.ts";
import { countersAgree } from "../../src/ops/counters.ts";
import { openPostgresStore } from "../../src/store/postgres/open.ts";
import { cases, chaosSeed, patience, report } from "../support/chaos.ts";
import { postgresProblem } from "../support/postgres/binaries.ts";
import { postgres } from "../support/postgres/shared.ts";
import { seededRandomness } from "../support/seeded.ts";
import { tempDir } from "../support/temp.ts";
import { audit, direct, type Noted } from "./support/audit.ts";
import { type Fault, plant } from "./support/faults.ts";
import { CAP_MICROS, interleave, type Record, settle, type World } from "./support/interleaving.ts";
import { startMachine } from "./support/machines.ts";

const MACHINES = ["a", "b", "c", "d"];
const SCHEMA = "afk_chaos";
/** What an interleaving leaves, and the next one begins without. */
const LEFT = [
  "audit",
  "ledger",
  "budget_windows",
  "jobs",
  "dead_letters",
  "taken_names",
  "alert_deliveries",
  "alerts",
];
/** In which an attack must find what was planted. */
const FINDS_IN = 40;

const problem = postgresProblem();
const skipped = problem === null ? "" : ` -- skipped: ${problem}`;

describe.skipIf(problem !== null)(`four machines, and whatever may happen to them${skipped}`, () => {
  test(
    "overspend nothing, lose and double no job, and reserve nothing behind a kill",
    async () => {
      const count = cases({ test: 300, chaos: 10_000 });
      const seed = chaosSeed("the fleet");
      const world = await startWorld(seed);
      const met = { refusals: 0, lost: 0, done: 0, faults: new Map<string, number>() };
      for (let index = 0; index < count; index++) {
        const { record, wrong, done } = await attack(world, `i${index}`);
        expect(wrong, `interleaving ${index} of seed ${seed}, with ${record.faults.join(", ")}`).toEqual([]);
        met.refusals += record.refusals;
        met.lost += record.lost;
        met.done += done;
        for (const fault of record.faults) met.faults.set(fault, (met.faults.get(fault) ?? 0) + 1);
      }
      expect(await deadlocks(world)).toBe(0);
      const faults = [...met.faults].map(([fault, times]) => `${fault} ${times} times`);
      const { refusals, lost, done } = met;
      report(
        "the fleet",
        count,
        `${done} jobs done, ${refusals} refusals, ${lost} leases lost, ${faults.join(", ")}`,
      );
    },
    patience({ test: 3_600_000, chaos: 12 * 3_600_000 }),
  );

  test.each<[string, Fault]>([["no lock of the gate", "no_lock"]])(
    "the attack finds %s",
    async (_, fault) => {
      const uproot = plant(fault);
      onTestFinished(uproot);
      const world = await startWorld(1);
      const found: string[] = [];
      for (let index = 0; index < FINDS_IN && found.length === 0; index++)
        found.push(...(await attack(world, `i${index}`)).wrong);
      expect(found).not.toEqual([]);
    },
    patience({ test: 600_000, chaos: 600_000 }),
  );
});

async function startWorld(seed: number): Promise<World> {
  const server = await postgres({ settings: { deadlock_timeout: "20ms" } });
  const database = "chaos";
  const url = await server.createDatabase(database);
  await (await openPostgresStore({ url, schema: SCHEMA })).close();
  await audit({ url, schema: SCHEMA });
  const place = { server, database, schema: SCHEMA, dir: tempDir(), budget: { month_micros: CAP_MICROS } };
  const machines = await Promise.all(MACHINES.map((name) => startMachine(name, place)));
  onTestFinished(async () => {
    await Promise.all(machines.map((machine) => machine.close()));
  });
  return { server, database, schema: SCHEMA, machines, randomness: seededRandomness(seed) };
}

/** One interleaving, and what is wrong after it. */
async function attack(
  world: World,
  name: string,
): Promise<{ record: Record; wrong: string[]; done: number }> {
  const target = { url: world.server.url(world.database), schema: SCHEMA };
  await direct(target, [
    `truncate ${LEFT.join(", ")} cascade`,
    "update kill_switch set set_at = null, reason = null",
  ]);
  const record = await interleave(world, name);
  await settle(world, record, name);
  const noted = await direct<Noted>(target, ["select * from audit order by seq"]);
  const [machine] = world.machines;
  const counters = machine === undefined ? [] : await countersAgree(machine.now().rails.store.db);
  const [books] = await direct<{ micros: number }>(target, [
    `select coalesce(sum(coalesce(cost_micros, estimate_micros)), 0)::int as micros
     from ledger where state <> 'released'`,
  ]);
  const wrong = [...record.errors, ...counters.map((line) => `counters: ${line}`)];
  const booked = books?.micros ?? 0;
  if (booked > CAP_MICROS) wrong.push(`${booked} were charged under a cap of ${CAP_MICROS}`);
  if (record.billMicros > booked) wrong.push(`${record.billMicros} were billed, and ${booked} charged`);
  wrong.push(...killOrder(noted), ...jobsDone(noted, record));
  if (wrong.length > 0) wrong.push(...(await unfinished(target)));
  return { record, wrong, done: noted.filter(({ what }) => what === "done").length };
}

/** Nothing is reserved between a kill and its end. */
function killOrder(noted: readonly Noted[]): string[] {
  let isStopped = false;
  const wrong: string[] = [];
  for (const { what, name } of noted) {
    if (what === "stopped") isStopped = true;
    if (what === "resumed") isStopped = false;
    if (what === "reserved" && isStopped) wrong.push(`${name} was reserved behind a kill`);
  }
  return wrong;
}

/** Each job that was accepted is done once, and none twice. */
function jobsDone(noted: readonly Noted[], { accepted }: Record): string[] {
  const times = new Map<string, number>();
  for (const { what, name } of noted) if (what === "done") times.set(name, (times.get(name) ?? 0) + 1);
  return [
    ...[...times].flatMap(([key, count]) => (count > 1 ? [`${key} was done ${count} times`] : [])),
    ...[...accepted].flatMap((key) => (times.has(key) ? [] : [`${key} was lost`])),
  ];
}

/** For whoever looks for what went wrong. */
async function unfinished(target: DatabaseTarget): Promise<string[]> {
  const rows = await direct<object>(target, [
    "select key, state, attempts, error, runner, run_at, lease_until, updated_at from jobs where state <> 'done'",
  ]);
  return rows.map((row) => JSON.stringify(row));
}

async function deadlocks({ server, database }: World): Promise<number> {
  const sql = "select deadlocks::int from pg_stat_database where datname = $1";
  return Number((await server.query(sql, [database]))[0]?.deadlocks);
}
