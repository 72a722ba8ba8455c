import { copyFileSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import Database from "better-sqlite3";
import { expect, it } from "vitest";
import { type Deployment, deployment } from "../support/afk.ts";
import { patience, report } from "../support/chaos.ts";

const PRELOAD = fileURLToPath(new URL("./support/crash-preload.ts", import.meta.url));
const LANES = 2;
/** A log of this size holds part of what is copied, and not all. */
const LOG_BYTES = 4 * 1024 * 1024;

it.each(["sound", "damaged"] as const)(
  "a kill before and after every durable step of a restore over a %s database leaves the old state whole or the new one",
  async (present) => {
    const made = await prepare(present);
    const plain = await made();
    expect((await restore(plain, "")).code).toBe(0);
    const steps = readFileSync(join(plain.dir, "steps.log"), "utf8").trim().split("\n");
    expect(check(plain, present)).toBe("new");
    for (const wanted of present === "sound"
      ? ["fsync", "rename", "kill_switch"]
      : ["fsync", "rename afk.db", "kill_switch"]) {
      expect(steps.join("\n")).toContain(wanted);
    }

    const points = steps.flatMap((_step, index) => [`${index + 1}:before`, `${index + 1}:after`]);
    const seen = { old: 0, new: 0 };
    const queue = points.values();
    const lane = async () => {
      for (const point of queue) {
        const target = await made();
        const exit = await restore(target, point);
        expect(exit.signal, `${point}: ${exit.stderr}`).toBe("SIGKILL");
        seen[check(target, present, point)] += 1;
        // Whatever it left does not stand in the way of another try.
        const again = await restore(target, "");
        expect(again.code, `${point}: ${again.stderr}`).toBe(0);
        expect(check(target, present, point)).toBe("new");
        expect(readdirSync(target.state).filter((name) => name.startsWith("restoring"))).toEqual([]);
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    report("restore crash points", points.length, `${seen.old} left the old state, ${seen.new} the new one`);
    expect(seen.old).toBeGreaterThan(0);
    expect(seen.new).toBeGreaterThan(0);
  },
  patience({ test: 300_000, chaos: 300_000 }),
);

it(
  "a kill in the middle of the copying leaves the old state whole",
  async () => {
    const target = await (await prepare("sound"))();
    const large = new Database(join(target.dir, "backup.db"));
    large.exec(`insert into seen with recursive n(i) as (select 1 union all select i + 1 from n where i < 10000)
      select 'digest', hex(randomblob(3000)), i from n`);
    large.close();
    const log = join(target.state, "afk.db-wal");
    for (let run = 0; run < 3; run++) {
      const restoring = target.start(["restore", "backup.db"]);
      let isOver = false;
      void restoring.ended.then(() => {
        isOver = true;
      });
      while (!isOver && (statSync(log, { throwIfNoEntry: false })?.size ?? 0) < LOG_BYTES)
        await new Promise((resolve) => setImmediate(resolve));
      restoring.kill("SIGKILL");
      expect((await restoring.ended).signal).toBe("SIGKILL");
      expect(check(target, "sound", `run ${run}`)).toBe("old");
    }
    expect((await target.afk(["restore", "backup.db"])).code).toBe(0);
    expect(target.query("select key from jobs")).toEqual([{ key: "before" }]);
    expect(target.query("pragma integrity_check")).toEqual([{ integrity_check: "ok" }]);
  },
  patience({ test: 240_000, chaos: 120_000 }),
);

/** What the state is now; throws when it is neither. */
function check(target: Deployment, present: "sound" | "damaged", point = ""): "old" | "new" {
  const path = join(target.state, "afk.db");
  if (present === "damaged" && readFileSync(path).subarray(0, 7).toString() === "garbage") {
    // Without its log it is worth even less; that nothing goes on with it is what matters.
    if (!existsSync(`${path}-wal`)) expect(existsSync(join(target.state, "STOP")), point).toBe(true);
    return "old";
  }
  const database = new Database(path);
  try {
    expect(database.pragma("integrity_check"), point).toEqual([{ integrity_check: "ok" }]);
    const keys = database.prepare("select key from jobs order by id").pluck().all();
    const killed = database.prepare("select set_at is not null from kill_switch").pluck().get();
    const seen = database.prepare("select count(*) from seen").pluck().get();
    if (keys.length === 2) {
      expect({ killed, seen }, point).toEqual({ killed: 0, seen: 1 });
      return "old";
    }
    expect({ keys, killed, seen }, point).toEqual({ keys: ["before"], killed: 1, seen: 0 });
    return "new";
  } finally {
    database.close();
  }
}

/** Makes deployments whose backup holds one job and whose state two, the second one in the log alone. */
async function prepare(present: "sound" | "damaged"): Promise<() => Promise<Deployment>> {
  const config = {
    agent: "test-agent",
    budget: { daily_cap_usd: 1 },
    models: { chain: ["extractive"] },
    jobs: [{ name: "digest", kind: "digest", sources: [{ folder: "./inbox" }] }],
  };
  const model = deployment(config);
  expect((await model.afk(["enqueue", "digest", "--key", "before"])).code).toBe(0);
  expect((await model.afk(["backup", "backup.db"])).code).toBe(0);
  expect((await model.afk(["enqueue", "digest", "--key", "after"])).code).toBe(0);
  const path = join(model.state, "afk.db");
  const writer = new Database(path);
  writer.pragma("wal_autocheckpoint = 0");
  writer.exec("insert into seen values ('digest', 'in the log', 1)");
  const files = ["afk.db", "afk.db-wal"].map(
    (name) => [name, readFileSync(join(model.state, name))] as const,
  );
  writer.close();
  return async () => {
    const target = deployment(config);
    for (const [name, bytes] of files) target.write(`state/${name}`, bytes);
    if (present === "damaged")
      writeFileSync(join(target.state, "afk.db"), "garbage that is no database, and long enough");
    copyFileSync(join(model.dir, "backup.db"), join(target.dir, "backup.db"));
    return target;
  };
}

function restore(target: Deployment, point: string) {
  target.write("steps.log", "");
  return target.afk(["restore", "backup.db"], {
    NODE_OPTIONS: `--import=${PRELOAD}`,
    CRASH_LOG: join(target.dir, "steps.log"),
    CRASH_AT: point,
  });
}
