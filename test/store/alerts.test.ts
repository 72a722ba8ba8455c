import { join } from "node:path";
import Database from "better-sqlite3";
import { Kysely, SqliteDialect } from "kysely";
import { expect, test } from "vitest";
import { keyOf } from "../../src/alerts/events.ts";
import { MIGRATIONS } from "../../src/store/migrations.ts";
import type { Schema } from "../../src/store/schema.ts";
import { migrate } from "../../src/store/sqlite/migrate.ts";
import { tempDir } from "../support/temp.ts";

const AT = "2026-11-21T06:00:00.000Z";

/** A key of an older version, and what it is about. */
const KEYS: [event: string, subject: string, occurrence: string][] = [
  ["breaker_open", "model:ollama/qwen2.5:3b", "1763704800000"],
  ["breaker_closed", "host:example.org", "1763704800000"],
  ["cap_hit", "day", "2026-11-21"],
  ["cap_hit", "job", `digest@${AT}`],
  ["threshold_cross", "hour", "2026-11-21T06:00Z:0.5"],
  ["job_dead", "digest:exec failed: code #", "0abc.2"],
  ["unit_failed", "afk.service", AT],
  ["unit_failed", "afk-backup.service", "0f3c"],
  ["kill_set", "row", "1763704800000"],
  ["clock_jump", "ahead:1763704800000", "4"],
  ["clock_jump", "behind", "1763704800000"],
  ["drift_found", "0f3c", "01release"],
  ["source_failed", "news/feed:https://example.org", "2026-11-20"],
  ["source_recovered", "news/feed:https://example.org", "2026-11-20"],
  ["recovered", "heartbeat_late", "never:1763704800000"],
  ["recovered", "unusable", "1763704800000"],
  ["heartbeat_late", "", "never:1763704800000"],
  ["no_output", "", "after:start"],
  ["config_refused", "", "0123456789abcdef:2026-11-21"],
  ["state_rolled_back", "", "9:7"],
  ["output_set_aside", "file", "a: b.md"],
  ["tick_missed", "digest", "1763704800000"],
  ["model_refuses", "openai/x:latest", "2026-11-21"],
  ["call_unknown", "", "01entry"],
];

test("alerts of an older version get what they are about and who they went to from what they have", async () => {
  const raw = new Database(join(tempDir(), "afk.db"));
  const db = new Kysely<Schema>({ dialect: new SqliteDialect({ database: raw }) });
  try {
    const older = Object.entries(MIGRATIONS).filter(([name]) => name < "0008");
    await migrate(db, Object.fromEntries(older));
    const insert = raw.prepare(
      "insert into alerts (id, key, event, severity, payload, created_at) values (?, ?, ?, 'warn', '{}', ?)",
    );
    for (const [index, [event, subject, occurrence]] of KEYS.entries())
      insert.run(String(index).padStart(3, "0"), keyOf({ event, subject, occurrence }), event, index);
    raw.exec(`insert into alert_deliveries (alert_id, channel, state, attempts, next_at, updated_at)
      values ('001', 'ntfy:0f3c', 'pending', 1, 5, 5)`);
    raw.exec(`insert into incidents (id, cause_key, event, title, opened_at, last_at, count) values
      ('a', 'breaker_open:model:ollama/x:7b', 'breaker_open', 't', 1, 1, 1), ('b', 'wedged', 'wedged', 't', 1, 1, 1)`);

    await migrate(db);

    const alerts = await db.selectFrom("alerts").selectAll().orderBy("id").execute();
    expect(alerts.map(({ event, subject, occurrence }) => [event, subject, occurrence])).toEqual(KEYS);
    expect(alerts.map(({ kept_from }) => kept_from)).toEqual(KEYS.map((_, index) => index));
    expect(alerts.filter(({ is_routed }) => is_routed === 1).map(({ id }) => id)).toEqual(["001"]);
    expect(await db.selectFrom("incidents").select(["event", "subject"]).orderBy("id").execute()).toEqual([
      { event: "breaker_open", subject: "model:ollama/x:7b" },
      { event: "wedged", subject: "" },
    ]);
  } finally {
    await db.destroy();
  }
});
