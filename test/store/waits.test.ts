import { join } from "node:path";
import Database from "better-sqlite3";
import { Kysely, SqliteDialect } from "kysely";
import { expect, test } from "vitest";
import * as first from "../../src/store/migrations/0001-first.ts";
import * as evidence from "../../src/store/migrations/0002-evidence.ts";
import * as retention from "../../src/store/migrations/0003-retention.ts";
import type { Schema } from "../../src/store/schema.ts";
import { migrate } from "../../src/store/sqlite/migrate.ts";
import { tempDir } from "../support/temp.ts";

test("dead letters of an older version stay one each, with their incidents", async () => {
  const raw = new Database(join(tempDir(), "afk.db"));
  const db = new Kysely<Schema>({ dialect: new SqliteDialect({ database: raw }) });
  try {
    await migrate(db, { "0001-first": first, "0002-evidence": evidence, "0003-retention": retention });
    for (const key of ["digest@1", "digest@2", "retried"]) {
      raw.exec(`
        insert into jobs (id, key, name, kind, payload, state, attempts, max_attempts, run_at, token, units, by_hand, slot_at,
          label, created_at, updated_at) values ('${key}', '${key}', 'digest', 'digest', 'null', 'dead', 5, 5, 1, 5, 0, 0, 1, 'x', 1, 1);
        insert into incidents (id, cause_key, event, title, opened_at, last_at, count)
          values ('${key}', 'job_dead:${key}', 'job_dead', 'digest gave up', 1, 1, 1)`);
      if (key === "retried") raw.exec("update incidents set recovered_at = 2 where id = 'retried'");
      else
        raw.exec(`insert into dead_letters (job_id, key, name, kind, payload, error, attempts, trace, died_at)
          values ('${key}', '${key}', 'digest', 'digest', 'null', 'x', 5, '{}', 1)`);
    }

    await migrate(db);

    expect(raw.prepare("select key, cause from dead_letters order by key").all()).toEqual([
      { key: "digest@1", cause: "digest@1" },
      { key: "digest@2", cause: "digest@2" },
    ]);
    expect(raw.prepare("select event || ':' || subject from incidents order by id").pluck().all()).toEqual([
      "job_dead:digest:digest@1",
      "job_dead:digest:digest@2",
      "job_dead:retried",
    ]);
    expect(raw.prepare("select distinct waiting_since from jobs").pluck().all()).toEqual([null]);
  } finally {
    await db.destroy();
  }
});
