// @module-tag slow
import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import { type Agent, openAgent, readAgentConfig } from "../../src/agent.ts";
import { backupState } from "../../src/ops/backup.ts";
import { makeKey, revokeKeys } from "../../src/ops/client-keys.ts";
import { restoreState } from "../../src/ops/restore.ts";
import type { Restored } from "../../src/ops/restore-staged.ts";
import { answerByCode } from "../../src/runner/questions/answer.ts";
import { createRemoteQuestions } from "../../src/runner/questions/phone-questions.ts";
import { ask } from "../../src/runner/questions/question.ts";
import { acquireLock } from "../../src/store/sqlite/lock.ts";
import { type Deployment, deployment } from "../support/afk.ts";
import { type FakeClock, fakeClock } from "../support/fake-clock.ts";

const LAPTOP = { name: "laptop", key: null, models: null, allow: [] };

interface Setting {
  target: Deployment;
  clock: FakeClock;
  backup: string;
  restore(more?: { file?: string; isForced?: boolean; isDryRun?: boolean }): Promise<Restored>;
  keys(): unknown[];
  kept(): string[];
}

describe("a restored backup", () => {
  it("is the state, stopped, and the former one is kept beside it", async () => {
    const { target, restore, keys, kept } = await setting();
    await enqueue(target, "after");
    expect(keys()).toEqual(["before", "after"]);

    const restored = await restore();
    expect(restored).toMatchObject({
      madeAt: "2026-11-21T10:00:00.000Z",
      agent: "test-agent",
      version: "1.2.3",
      kept: join(target.state, kept()[0] ?? ""),
    });
    expect(keys()).toEqual(["before"]);
    expect(keysIn(restored.kept ?? "")).toEqual(["before", "after"]);
    expect(target.query("select reason from kill_switch")).toEqual([
      {
        reason:
          "a backup that was made at 2026-11-21T10:00:00.000Z was restored: money spent since is missing from its counters",
      },
    ]);
    expect(target.query("select name from sqlite_master where name = 'backup_manifest'")).toEqual([]);
    expect(target.events()).toContain("state_restored");
    expect(leftOvers(target)).toEqual([]);
  });

  it("has no key of a client that was revoked after the backup was made", async () => {
    const { target, clock, restore } = await setting();
    const withKeys = async <T>(work: (agent: Agent) => Promise<T>) => {
      const agent = await openAgent({
        config: target.configFile,
        state: target.state,
        environment: {},
        clock,
      });
      return await work(agent).finally(() => agent.close());
    };
    const uses = (agent: Agent) => ({
      store: agent.store,
      clock,
      config: { gateway: { ...agent.config.gateway, clients: [LAPTOP] } },
    });
    const [stolen, kept] = await withKeys(async (agent) => [
      await makeKey(uses(agent), "laptop"),
      await makeKey(uses(agent), "laptop"),
    ]);
    const backup = join(target.dir, "with-keys.db");
    await make(target, clock, backup);
    await withKeys((agent) => revokeKeys(uses(agent), "laptop", { hint: stolen!.hint }));
    expect(await restore({ file: backup })).toMatchObject({ revokedKeys: 1 });
    expect(target.query("select hint from client_keys where revoked_at is null")).toEqual([
      { hint: kept!.hint },
    ]);
    writeFileSync(join(target.state, "afk.db"), "no database");
    // Any may have been revoked in what cannot be read.
    expect(await restore({ file: backup })).toMatchObject({ revokedKeys: 2 });
  });

  it("takes no code that was taken after the backup was made", async () => {
    const { target, clock, restore } = await setting();
    const sources = { config: target.configFile, state: target.state, environment: {}, clock };
    const withRails = async <T>(work: (rails: Agent["rails"]) => Promise<T>) => {
      const agent = await openAgent(sources);
      return await work(agent.rails).finally(() => agent.close());
    };
    const code = await withRails(async (rails) => {
      const nowMs = clock.nowMs();
      const about = { kind: "draft", subject: "one", job: "work", message: "May it?", detail: "{}" } as const;
      await rails.store.atomically((trx) => ask(trx, { ...about, expires_at: nowMs + 86_400_000 }, nowMs));
      const [sent] = await createRemoteQuestions(rails).next();
      return /approve (\w+)/.exec(sent?.text ?? "")?.[1] ?? "";
    });
    const backup = join(target.dir, "with-question.db");
    await make(target, clock, backup);
    const approve = () =>
      withRails((rails) =>
        rails.store.atomically((trx) => answerByCode(trx, rails, { verb: "approve", code, by: "phone" })),
      );
    expect(await approve()).toMatchObject({ isTaken: true, approved: "one" });
    await restore({ file: backup });
    expect(await approve()).toMatchObject({ isTaken: false });
  });

  it("calls no model until a person has resumed, and goes on then without a second refusal", async () => {
    const { target, restore } = await setting();
    await tick(target);
    await tick(target);
    await restore();
    expect(await tick(target)).toMatchObject({ outcome: "halted" });
    const database = new Database(join(target.state, "afk.db"));
    database.exec("update kill_switch set set_at = null, reason = null");
    database.close();
    expect(await tick(target)).toMatchObject({ outcome: "ok" });
    expect(target.query("select event from alerts where event = 'state_rolled_back'")).toEqual([]);
  });

  it("goes to a new host with all that it published: its files are written again", async () => {
    const { target, clock } = await setting();
    target.write("inbox/a.md", "# Title of item-01\n\nThe harbour is open.\n");
    await tick(target, "digest");
    const published = target.outputs();
    expect(Object.keys(published).length).toBeGreaterThan(0);
    const file = join(target.dir, "second.db");
    await make(target, clock, file);

    const host = deployment(readFileSync(target.configFile, "utf8"));
    expect(await restoreOn(host, clock, { file })).toMatchObject({ kept: null });
    await tick(host);
    expect(host.outputs()).toEqual(published);
  });

  it("leaves files of out/ that are there as they are", async () => {
    const { target, clock, restore } = await setting();
    target.write("inbox/a.md", "# Title of item-01\n\nThe harbour is open.\n");
    await tick(target, "digest");
    const [name = ""] = Object.keys(target.outputs());
    target.write(`state/out/${name}`, "noted in by hand");
    const file = join(target.dir, "second.db");
    await make(target, clock, file);
    await restore({ file });
    await tick(target);
    expect(target.outputs()[name]).toBe("noted in by hand");
  });

  it("takes the place of a database that is damaged, which is kept too", async () => {
    const { target, restore, keys, kept } = await setting();
    writeFileSync(join(target.state, "afk.db"), "garbage that is no database, and long enough");
    await restore();
    expect(keys()).toEqual(["before"]);
    expect(readFileSync(join(target.state, kept()[0] ?? ""), "utf8")).toContain("garbage");
    expect(existsSync(join(target.state, "STOP"))).toBe(false);
    expect(leftOvers(target)).toEqual([]);
  });

  it.each<[string, (path: string) => void]>([
    ["has damaged pages", damagePage],
    [
      "is newer than this code",
      (path) => exec(path, "insert into kysely_migration values ('9999-later', '2027-01-01T00:00:00.000Z')"),
    ],
    [
      "is another program's",
      (path) => {
        rmSync(path);
        exec(path, "create table bookmarks (url text)");
      },
    ],
  ])("takes the place of a database that %s, which is kept byte for byte", async (_what, spoil) => {
    const { target, restore, keys } = await setting();
    const path = join(target.state, "afk.db");
    spoil(path);
    const before = readFileSync(path);
    const { kept } = await restore();
    expect(keys()).toEqual(["before"]);
    expect(target.query("pragma integrity_check")).toEqual([{ integrity_check: "ok" }]);
    // The header counts changes, also those of the copying.
    expect(readFileSync(kept ?? "").subarray(100)).toEqual(before.subarray(100));
    expect(await tick(target)).toMatchObject({ outcome: "halted" });
  });

  it("takes the place of an empty file, as a full disk leaves it", async () => {
    const { target, restore, keys } = await setting();
    writeFileSync(join(target.state, "afk.db"), "");
    await restore();
    expect(keys()).toEqual(["before"]);
  });

  it("never meets the log of a database that was there before", async () => {
    const { target, restore, keys, kept } = await setting();
    const path = join(target.state, "afk.db");
    // A log with commits that nothing has taken into the database, as a crash leaves it.
    const writer = new Database(path);
    writer.pragma("wal_autocheckpoint = 0");
    writer.exec("insert into seen values ('digest', 'from the old log', 1)");
    copyFileSync(`${path}-wal`, join(target.dir, "wal"));
    writer.close();
    for (const present of ["damaged", "missing"]) {
      if (present === "damaged") writeFileSync(path, "garbage that is no database, and long enough");
      else rmSync(path);
      copyFileSync(join(target.dir, "wal"), `${path}-wal`);
      await restore();
      expect(keys()).toEqual(["before"]);
      expect(target.query("select * from seen")).toEqual([]);
      expect(target.query("pragma integrity_check")).toEqual([{ integrity_check: "ok" }]);
    }
    expect(kept().filter((name) => name.endsWith("-wal"))).not.toEqual([]);
  });

  it("brings what a crash left in the log of a sound database into the copy that is kept", async () => {
    const { target, restore } = await setting();
    const path = join(target.state, "afk.db");
    const writer = new Database(path);
    writer.pragma("wal_autocheckpoint = 0");
    writer.exec("insert into seen values ('digest', 'from the old log', 1)");
    for (const suffix of ["", "-wal"]) copyFileSync(`${path}${suffix}`, join(target.dir, `left${suffix}`));
    writer.close();
    for (const suffix of ["", "-wal"]) copyFileSync(join(target.dir, `left${suffix}`), `${path}${suffix}`);
    const restored = await restore();
    expect(target.query("select * from seen")).toEqual([]);
    const former = new Database(restored.kept ?? "", { readonly: true });
    expect(former.prepare("select key from seen").all()).toEqual([{ key: "from the old log" }]);
    former.close();
  });

  it("is seen by a process that has the state open", async () => {
    const { target, restore } = await setting();
    await enqueue(target, "after");
    const agent = await openAgent({ config: target.configFile, state: target.state, environment: {} });
    expect((await agent.status()).killed).toBeNull();
    await restore();
    expect((await agent.status()).killed).toMatchObject({ by: "row" });
    await agent.close();
    expect(target.query("pragma integrity_check")).toEqual([{ integrity_check: "ok" }]);
  });
});

describe("a restore is refused, and changes nothing,", () => {
  it("while a worker holds the lock", async () => {
    const { target, restore, keys } = await setting();
    await enqueue(target, "after");
    const lock = acquireLock(join(target.state, "lock.db"));
    await expect(restore()).rejects.toMatchObject({ code: "locked", exitCode: 75 });
    lock.release();
    expect(keys()).toEqual(["before", "after"]);
  });

  it("while another process is in the middle of writing to the state", async () => {
    const { target, restore, keys, kept } = await setting();
    await enqueue(target, "after");
    const writer = new Database(join(target.state, "afk.db"));
    writer.exec("begin immediate");
    await expect(restore()).rejects.toMatchObject({ code: "busy" });
    writer.exec("rollback");
    writer.close();
    expect(keys()).toEqual(["before", "after"]);
    expect(kept()).toEqual([]);
    expect(leftOvers(target)).toEqual([]);
  });

  it.each<[string, string, (file: string) => void]>([
    [
      "is no database",
      "not a database",
      (file) => writeFileSync(file, "garbage that is no database, and long enough"),
    ],
    ["is empty", "not one of afk's", (file) => writeFileSync(file, "")],
    [
      "is some other database",
      "not one of afk's",
      (file) => {
        rmSync(file);
        const database = new Database(file);
        database.exec("create table bookmarks (url text)");
        database.close();
      },
    ],
    [
      "is newer than this code",
      "newer than this version",
      (file) => exec(file, "insert into kysely_migration values ('9999-later', '2027-01-01T00:00:00.000Z')"),
    ],
    [
      "has counters that its ledger does not explain",
      "counters disagree",
      (file) =>
        exec(
          file,
          `insert into budget_windows ("window", period, settled_micros) values ('day', '2026-11-21', 5)`,
        ),
    ],
    ["has a damaged page", "damaged", damagePage],
    [
      "is another agent's",
      "is of the agent other",
      (file) => exec(file, "update backup_manifest set agent = 'other'"),
    ],
    ["does not say whose it is", "does not say whose", (file) => exec(file, "drop table backup_manifest")],
    ["has a log beside it", "not a backup", (file) => writeFileSync(`${file}-wal`, "frames")],
    ["is not there", "there is no file", (file) => rmSync(file)],
  ])("when the file %s", async (_what, message, spoil) => {
    const { target, backup, restore, keys, kept } = await setting();
    await enqueue(target, "after");
    spoil(backup);
    await expect(restore()).rejects.toThrow(message);
    expect(keys()).toEqual(["before", "after"]);
    expect(target.query("select reason from kill_switch")).toEqual([{ reason: null }]);
    expect(kept()).toEqual([]);
    expect(leftOvers(target)).toEqual([]);
  });

  it("when the file is the state itself", async () => {
    const { target, restore } = await setting();
    await expect(restore({ file: join(target.state, "afk.db") })).rejects.toThrow("is the state itself");
  });

  it("when it was only asked whether it could be", async () => {
    const { target, restore, keys, kept } = await setting();
    await enqueue(target, "after");
    expect(await restore({ isDryRun: true })).toMatchObject({ isDryRun: true, agent: "test-agent" });
    expect(keys()).toEqual(["before", "after"]);
    expect(kept()).toEqual([]);
    expect(leftOvers(target)).toEqual([]);
  });

  it("unless it is forced, for the backup of another agent; the file stays as it was", async () => {
    const { backup, restore, keys } = await setting();
    exec(backup, "update backup_manifest set agent = 'other'");
    const before = readFileSync(backup);
    expect(await restore({ isForced: true })).toMatchObject({ agent: "other" });
    expect(keys()).toEqual(["before"]);
    expect(readFileSync(backup)).toEqual(before);
  });
});

describe("the former databases", () => {
  it("are kept by the last three restores, and nothing else of such a name is touched", async () => {
    const { target, restore, kept } = await setting();
    const other = "afk.db.before-restore-by-hand";
    target.write(`state/${other}`, "mine");
    const restored: Restored[] = [];
    for (let time = 0; time < 5; time++) restored.push(await restore());
    expect(kept().sort()).toEqual(
      [other, ...restored.slice(-3).map(({ kept: path }) => basename(path ?? ""))].sort(),
    );
    expect(restored.map(({ deleted }) => deleted)).toEqual([
      ...[[], [], []],
      [restored[0]?.kept],
      [restored[1]?.kept],
    ]);
  });

  it("are all there when a restore is only tried", async () => {
    const { restore, kept } = await setting();
    for (let time = 0; time < 3; time++) await restore();
    const before = kept();
    expect(await restore({ isDryRun: true })).toMatchObject({ deleted: [] });
    expect(kept()).toEqual(before);
  });
});

/** A deployment with one job in its state, and a backup of that. */
async function setting(): Promise<Setting> {
  const target = deployment({
    agent: "test-agent",
    budget: { daily_cap_usd: 1 },
    models: { chain: ["extractive"] },
    jobs: [{ name: "digest", kind: "digest", sources: [{ folder: "./inbox" }] }],
  });
  target.write("inbox/.keep", "");
  const clock = fakeClock();
  await enqueue(target, "before");
  const backup = join(target.dir, "backup.db");
  await make(target, clock, backup);
  clock.advance(60_000);
  return {
    target,
    clock,
    backup,
    restore(more = {}) {
      clock.advance(1_000);
      return restoreOn(target, clock, { file: backup, ...more });
    },
    keys: () => keysIn(join(target.state, "afk.db")),
    kept: () => readdirSync(target.state).filter((name) => name.includes(".before-restore-")),
  };
}

async function make(target: Deployment, clock: FakeClock, file: string): Promise<void> {
  const config = readAgentConfig({ config: target.configFile, state: target.state, environment: {} });
  await backupState({ config, clock, version: "1.2.3", file, isForced: false, keep: null });
}

function restoreOn(
  target: Deployment,
  clock: FakeClock,
  more: { file: string; isForced?: boolean; isDryRun?: boolean },
): Promise<Restored> {
  const config = readAgentConfig({ config: target.configFile, state: target.state, environment: {} });
  return restoreState({ config, clock, isForced: false, isDryRun: false, ...more });
}

async function enqueue(target: Deployment, key: string): Promise<void> {
  const agent = await openAgent({ config: target.configFile, state: target.state, environment: {} });
  await agent.enqueue("digest", { key });
  await agent.close();
}

async function tick(target: Deployment, now?: string) {
  const agent = await openAgent({ config: target.configFile, state: target.state, environment: {} });
  try {
    return await agent.tick({ now });
  } finally {
    await agent.close();
  }
}

function keysIn(path: string): unknown[] {
  const database = new Database(path, { readonly: true });
  try {
    return database.prepare("select key from jobs order by id").pluck().all();
  } finally {
    database.close();
  }
}

function leftOvers(target: Deployment): string[] {
  return readdirSync(target.state).filter((name) => name.startsWith("restoring") || name.endsWith(".part"));
}

function exec(file: string, sql: string): void {
  const database = new Database(file);
  database.exec(sql);
  database.close();
}

/** Turns over bytes in the middle, where tables and indexes are. */
function damagePage(file: string): void {
  const bytes = readFileSync(file);
  for (let page = 3; page < bytes.length / 4096; page += 2) bytes.fill(0xa5, page * 4096, page * 4096 + 64);
  writeFileSync(file, bytes);
}
