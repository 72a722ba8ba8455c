import {
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import { type Backup, backupState } from "../../src/ops/backup.ts";
import { openStore } from "../../src/store/sqlite/open.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { tempDir } from "../support/temp.ts";
import { type OpsHarness, opsHarness } from "./harness.ts";

const DAY = 86_400_000;

describe("a backup", () => {
  it("is a sound database of its own, for this user alone, that says what it is", async () => {
    const harness = await opsHarness();
    await harness.job("kept", "done");
    const file = join(tempDir(), "copy.db");
    const backup = await make(harness, file);
    expect(backup).toEqual({
      file,
      bytes: statSync(file).size,
      madeAt: "2026-11-21T10:00:00.000Z",
      deleted: [],
    });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(query(file, "select key from jobs")).toEqual([{ key: "kept" }]);
    expect(query(file, "pragma journal_mode")).toEqual([{ journal_mode: "delete" }]);
    expect(query(file, "select * from backup_manifest")).toEqual([
      { agent: "test", version: "1.2.3", made_at: harness.rails.clock.nowMs() },
    ]);
    expect(
      query(
        join(harness.config.paths.state, "afk.db"),
        "select name from sqlite_master where name like 'backup%'",
      ),
    ).toEqual([]);
    expect(readdirSync(join(file, ".."))).toEqual(["copy.db"]);
  });

  it("holds one moment of a state that is being written to, and makes the writer wait for nothing", async () => {
    const harness = await opsHarness();
    const writer = await openStore(harness.config.paths.database);
    let isOver = false;
    let written = 0;
    const write = async () => {
      while (!isOver) {
        await writer.atomically(async (trx) => {
          for (const table of ["a", "b"]) {
            await trx
              .insertInto("seen")
              .values({ job_name: table, key: String(written), seen_at: 1 })
              .execute();
          }
        });
        written += 1;
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    const writing = write();
    const dir = tempDir();
    for (let n = 0; n < 5; n++) await make(harness, join(dir, `${n}.db`));
    isOver = true;
    await writing;
    await writer.close();
    for (let n = 0; n < 5; n++) {
      const rows = query(
        join(dir, `${n}.db`),
        "select job_name, count(*) as n from seen group by job_name",
      ) as { n: number }[];
      expect(new Set(rows.map((row) => row.n)).size).toBeLessThanOrEqual(1);
    }
  });

  it("replaces a file only when told to, and nothing that is no plain file", async () => {
    const harness = await opsHarness();
    const dir = tempDir();
    const file = join(dir, "copy.db");
    writeFileSync(file, "precious");
    await expect(make(harness, file)).rejects.toMatchObject({ code: "exists" });
    expect(readFileSync(file, "utf8")).toBe("precious");
    expect((await make(harness, file, { isForced: true })).bytes).toBeGreaterThan(10_000);

    mkdirSync(join(dir, "folder"));
    symlinkSync(file, join(dir, "link"));
    for (const name of ["folder", "link"]) {
      await expect(make(harness, join(dir, name), { isForced: true })).rejects.toMatchObject({
        code: "exists",
      });
    }
    const { database } = harness.config.paths;
    await expect(make(harness, database, { isForced: true })).rejects.toThrow("is the state itself");
  });

  it("is refused where there is no state, and makes none", async () => {
    const harness = await opsHarness();
    const config = {
      ...harness.config,
      paths: { ...harness.config.paths, database: join(tempDir(), "none.db") },
    };
    await expect(make({ ...harness, config }, join(tempDir(), "copy.db"))).rejects.toMatchObject({
      code: "nothing_to_copy",
    });
  });

  it("makes one folder and no whole path", async () => {
    const harness = await opsHarness();
    const dir = tempDir();
    await make(harness, join(dir, "backups", "copy.db"));
    await expect(make(harness, join(dir, "no", "such", "copy.db"))).rejects.toThrow();
    expect(readdirSync(dir)).toEqual(["backups"]);
  });

  it("is not said to be good when its counters disagree with its ledger, and leaves no file", async () => {
    const harness = await opsHarness();
    await harness.rails.store.db
      .insertInto("budget_windows")
      .values({
        window: "day",
        period: "2026-11-21",
        cap_micros: null,
        settled_micros: 5,
        reserved_micros: 0,
        overrun_micros: 0,
      })
      .execute();
    const dir = tempDir();
    await expect(make(harness, join(dir, "copy.db"))).rejects.toMatchObject({ code: "counters_differ" });
    expect(readdirSync(dir)).toEqual([]);
  });
});

describe("the newest backups are kept", () => {
  it("by the day in their names, and nothing else is touched", async () => {
    const harness = await opsHarness();
    const dir = tempDir();
    const strangers = [
      "afk-2026-11-21.db.txt",
      "other-2026-01-01.db",
      "afk-notes.db",
      "xafk-2026-01-01.db",
      "afkX2026-01-01.db",
    ];
    for (const name of strangers) writeFileSync(join(dir, name), "x");
    mkdirSync(join(dir, "afk-2020-01-01.db"));
    for (let day = 0; day < 9; day++) {
      await make(harness, join(dir, "afk-{date}.db"), { keep: 7 });
      harness.rails.clock.advance(DAY);
    }
    const kept = readdirSync(dir).filter((name) => !strangers.includes(name));
    expect(kept).toEqual([
      "afk-2020-01-01.db",
      ...[23, 24, 25, 26, 27, 28, 29].map((day) => `afk-2026-11-${day}.db`),
    ]);
    expect(readdirSync(dir)).toEqual(expect.arrayContaining(strangers));
  });

  it("and what a crash cut off goes after a day", async () => {
    const harness = await opsHarness();
    const dir = tempDir();
    const old = join(dir, `afk-2026-11-19.db.${"0".repeat(26)}.part`);
    const fresh = join(dir, `afk-2026-11-21.db.${"1".repeat(26)}.part`);
    for (const path of [old, fresh]) writeFileSync(path, "x");
    const now = harness.rails.clock.nowMs();
    utimesSync(old, new Date(now - 2 * DAY), new Date(now - 2 * DAY));
    utimesSync(fresh, new Date(now), new Date(now));
    expect((await make(harness, join(dir, "afk-{date}.db"), { keep: 1 })).deleted).toEqual([old]);
  });

  it("only where the name says the day", async () => {
    const harness = await opsHarness();
    const dir = tempDir();
    await expect(make(harness, join(dir, "afk.db"), { keep: 7 })).rejects.toMatchObject({ exitCode: 2 });
    await expect(make(harness, join(dir, "{date}", "afk-{date}.db"))).rejects.toMatchObject({ exitCode: 2 });
    expect(readdirSync(dir)).toEqual([]);
  });
});

function make(
  harness: OpsHarness,
  file: string,
  more: { isForced?: boolean; keep?: number } = {},
): Promise<Backup> {
  const clock = harness.rails.clock ?? fakeClock();
  return backupState({
    config: harness.config,
    clock,
    version: "1.2.3",
    file,
    isForced: false,
    keep: null,
    ...more,
  });
}

function query(path: string, sql: string): unknown[] {
  const database = new Database(path, { readonly: true });
  try {
    return database.prepare(sql).all();
  } finally {
    database.close();
  }
}
