import { createHash } from "node:crypto";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { Kysely } from "kysely";
import { afterAll, describe, expect, it } from "vitest";
import { MIGRATIONS } from "../../src/store/migrations.ts";
import type { Schema } from "../../src/store/schema.ts";
import { StoreDialect } from "../../src/store/sqlite/dialect.ts";
import { migrate } from "../../src/store/sqlite/migrate.ts";
import { afk } from "../cli/commands/in-process.ts";
import { type Deployment, deployment, deploymentAt, digestConfig, fillInbox } from "../support/afk.ts";
import { isChaos, patience, report } from "../support/chaos.ts";
import { afkAsNobody, whyNotNobody } from "./support/as-nobody.ts";

/** Each starts many processes. */
const LONG = { timeout: patience({ test: 180_000, chaos: 600_000 }) };

let tried = 0;
afterAll(() => report("whose state", tried));

describe("the state", () => {
  it("lies beside afk.yaml, from whichever folder it is ticked", LONG, async () => {
    const target = agent();
    for (const folder of isChaos() ? ["a", "b", "inbox", "a/b"] : ["a", "inbox"]) {
      tried += 1;
      const cwd = join(target.dir, folder);
      mkdirSync(cwd, { recursive: true });
      const { code } = await deploymentAt(cwd).afk(["tick", "--config", target.configFile]);
      expect(code).toBe(0);
      expect(existsSync(join(cwd, "state"))).toBe(false);
    }
    // One digest a day, however many folders it was ticked from.
    expect(target.query("select state from jobs")).toEqual([{ state: "done" }]);
    expect(target.query("select agent from owners")).toEqual([{ agent: "test-agent" }]);
  });

  it("is not shared by two agents that are ticked from one folder", LONG, async () => {
    tried += 1;
    const here = deployment();
    const agents = ["one", "two"].map((name) => {
      here.write(`${name}/afk.yaml`, JSON.stringify({ ...quiet(), agent: name }));
      return join(here.dir, name);
    });
    for (const dir of agents)
      expect((await here.afk(["tick", "--config", join(dir, "afk.yaml")])).code).toBe(0);
    expect(agents.map(ownerIn)).toEqual(["one", "two"]);
    expect(existsSync(here.state)).toBe(false);
  });

  it(
    "of another name is refused by every command, with the two ways out, and stays as it is",
    LONG,
    async () => {
      const target = agent();
      expect((await target.afk(["tick"])).code).toBe(0);
      rename(target, "renamed");
      const before = hashes(target.state);
      const lines = isChaos()
        ? [
            "tick",
            "run",
            "status",
            "health --json",
            "jobs",
            "ledger",
            "report",
            "resume",
            "enqueue digest",
            "clock",
          ]
        : ["tick", "status", "resume"];
      for (const line of lines) {
        tried += 1;
        const { code, stdout, stderr } = await afk(target, ...line.split(" "));
        expect({ line, code }).toEqual({ line, code: line.startsWith("health") ? 1 : 78 });
        const said = stdout + stderr;
        for (const part of ["test-agent", "renamed", "afk adopt", "--state"]) expect(said).toContain(part);
        expect(hashes(target.state)).toEqual(before);
      }
      expect((await target.afk(["doctor", "--offline"])).stdout).toContain("afk adopt");
      // A switch works all the same, and says whose agent it has stopped.
      expect((await target.afk(["stop"])).stdout).toContain(`agent test-agent, state ${target.state}`);
    },
  );

  it("is adopted by a person alone, with nobody at work, and remembers whose it was", LONG, async () => {
    tried += 1;
    const target = agent();
    const worker = target.start(["run"]);
    await worker.logged("tick_finished");
    const before = target.query("select key, state from jobs");
    rename(target, "renamed");
    expect(await target.afk(["adopt", "--yes"])).toMatchObject({ code: 75 });
    worker.kill("SIGTERM");
    await worker.ended;

    const unasked = await target.afk(["adopt"]);
    expect(unasked.code).toBe(2);
    expect(unasked.stderr).toContain("belongs to test-agent");
    expect((await target.afk(["tick"])).code).toBe(78);

    const adopted = await target.afk(["adopt", "--yes"]);
    expect(adopted.code).toBe(0);
    expect(adopted.stdout).toContain("belonged to test-agent and belongs to renamed now");
    expect(target.query("select agent from owners order by id")).toEqual([
      { agent: "test-agent" },
      { agent: "renamed" },
    ]);
    expect(target.logs().find(({ event }) => event === "state_adopted")).toMatchObject({
      from: "test-agent",
      to: "renamed",
    });
    expect((await target.afk(["tick"])).code).toBe(0);
    expect(target.query("select key, state from jobs")).toEqual(before);
    expect((await target.afk(["adopt"])).stdout).toContain("belongs to renamed already");
  });

  it("of an earlier version in the folder of the command is no silent second budget", LONG, async () => {
    tried += 1;
    const target = agent();
    expect((await target.afk(["tick"])).code).toBe(0);
    const here = deployment();
    renameSync(target.state, here.state);
    withDatabase(here.state, "delete from owners");
    for (const line of ["tick", "status", "stop"]) {
      const { code, stderr } = await here.afk([line, "--config", target.configFile]);
      expect({ line, code }).toEqual({ line, code: 78 });
      for (const part of [here.state, target.state, "mv "]) expect(stderr).toContain(part);
      expect(existsSync(target.state)).toBe(false);
    }
    const at = ["--config", target.configFile];
    expect((await here.afk(["stop", "--state", "state", ...at])).code).toBe(0);
    // It has a name from now on, and the folder is no riddle for the agents of others.
    const other = agent();
    rename(other, "other");
    expect((await here.afk(["tick", "--config", other.configFile])).code).toBe(0);
    renameSync(here.state, target.state);
    expect((await here.afk(["status", ...at])).code).toBe(0);
  });
});

describe("a command that reads", () => {
  const LINES = [
    "status --json",
    "doctor --offline",
    "jobs",
    ...(isChaos()
      ? ["health", "dead", "ledger", "report", "incidents", "logs", "clock", "drafts"]
      : ["report"]),
  ];

  it("makes nothing where no tick was yet", LONG, async () => {
    const target = agent();
    for (const line of LINES) {
      tried += 1;
      const { code, stderr } = await afk(target, ...line.split(" "));
      expect({ line, code, stderr }).toEqual({ line, code: 0, stderr: "" });
      expect(existsSync(target.state)).toBe(false);
    }
    const { killed, lastTick } = JSON.parse((await target.afk(["status", "--json"])).stdout);
    expect({ killed, lastTick }).toEqual({ killed: null, lastTick: null });
  });

  it(
    "changes nothing in a state that is there, be it of this version, an earlier one, or an older copy",
    LONG,
    async () => {
      const target = agent();
      expect((await target.afk(["tick"])).code).toBe(0);
      const states: [string, (state: string) => void | Promise<void>][] = [
        ["as it is", () => undefined],
        ["earlier", makeEarlier],
        ["older copy", (state) => withDatabase(state, "update meta set value = 0 where key = 'generation'")],
      ];
      for (const [name, change] of states) {
        const state = join(target.dir, name);
        cpSync(target.state, state, { recursive: true });
        await change(state);
        const before = hashes(state);
        for (const line of LINES) {
          tried += 1;
          const { code, stderr } = await afk({ ...target, state }, ...line.split(" "));
          expect({ name, line, code, stderr }).toEqual({
            name,
            line,
            // That is stopped, which doctor finds.
            code: name === "older copy" && line.startsWith("doctor") ? 1 : 0,
            stderr: "",
          });
          expect(hashes(state)).toEqual(before);
        }
        const { killed } = JSON.parse((await target.afk(["status", "--json", "--state", state])).stdout);
        if (name === "older copy") expect(killed.reason).toContain("older copy");
        else expect(killed).toBe(null);
      }
    },
  );

  it(
    "works for a user who may only read, idle or with a worker at work, and changes nothing",
    LONG,
    async ({ skip }) => {
      const target = agent();
      expect((await target.afk(["tick"])).code).toBe(0);
      chmodSync(target.dir, 0o755);
      const why = await whyNotNobody(target.dir);
      skip(why !== null, why ?? "");
      const readable = () => {
        for (const name of readdirSync(target.state, { recursive: true }).map(String))
          chmodSync(
            join(target.state, name),
            statSync(join(target.state, name)).isDirectory() ? 0o755 : 0o644,
          );
        chmodSync(target.state, 0o755);
      };
      readable();
      const before = hashes(target.state);
      const look = async () => {
        for (const line of isChaos()
          ? LINES.filter((each) => !each.startsWith("doctor"))
          : ["status --json", "jobs"]) {
          tried += 1;
          const { code, stderr } = await afkAsNobody(target.dir, line.split(" "));
          expect({ line, code, stderr }).toEqual({ line, code: 0, stderr: "" });
        }
      };
      await look();
      expect(hashes(target.state)).toEqual(before);

      const worker = target.start(["run"]);
      await worker.logged("tick_finished");
      readable();
      await look();
      worker.kill("SIGKILL");
      await worker.ended;
      await look();

      chmodSync(target.state, 0o700);
      for (const line of ["jobs", "logs", "backup /tmp/copy.db", "adopt --yes"]) {
        const { code, stderr } = await afkAsNobody(target.dir, line.split(" "));
        expect({ line, code }).toEqual({ line, code: 1 });
        expect(stderr, line).toContain("may not read");
        expect(stderr, line).toContain("sudo -u 'root'");
        expect(stderr, line).not.toMatch(/\n\s+at /);
      }
      const { stderr } = await afkAsNobody(target.dir, ["tick"]);
      expect(stderr).toMatch(/cannot write .*sudo -u 'root'/);
    },
  );
});

function quiet(): Record<string, unknown> {
  return digestConfig("http://127.0.0.1:9", { models: { chain: ["extractive"] } });
}

/** A digest of two files that needs no model. */
function agent(): Deployment {
  const target = deployment(quiet());
  fillInbox(target, 2);
  return target;
}

function rename(target: Deployment, name: string): void {
  target.configure({ ...quiet(), agent: name });
}

function ownerIn(dir: string): string | undefined {
  const database = new Database(join(dir, "state", "afk.db"), { readonly: true });
  try {
    return database.prepare<[], { agent: string }>("select agent from owners").get()?.agent;
  } finally {
    database.close();
  }
}

function withDatabase(state: string, sql: string): void {
  const database = new Database(join(state, "afk.db"));
  database.exec(sql);
  database.close();
}

/** Every file of a folder with what is in it and when it was written. */
function hashes(dir: string): Record<string, string> {
  const names = readdirSync(dir, { recursive: true }).map(String).sort();
  return Object.fromEntries(
    names.map((name) => {
      const found = statSync(join(dir, name));
      if (found.isDirectory()) return [name, "a folder"];
      const hash = createHash("sha256")
        .update(readFileSync(join(dir, name)))
        .digest("hex");
      return [name, `${hash} ${found.mtimeMs}`];
    }),
  );
}

/** A database as a version made it that knew no owner of a state yet, in the place of what is there. */
async function makeEarlier(state: string): Promise<void> {
  const path = join(state, "afk.db");
  // Its mark goes too, by which an older copy of the database would be known.
  for (const name of ["afk.db", "afk.db-wal", "afk.db-shm", "high-water.json"])
    rmSync(join(state, name), { force: true });
  const db = new Kysely<Schema>({ dialect: new StoreDialect(new Database(path)) });
  await migrate(db, Object.fromEntries(Object.entries(MIGRATIONS).filter(([name]) => name < "0006")));
  await db.destroy();
}
