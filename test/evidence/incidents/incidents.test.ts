import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  type Closing,
  closeIncident,
  listIncidents,
  showIncident,
} from "../../../src/evidence/incidents/incidents.ts";
import { writeIncidents } from "../../../src/evidence/incidents/incidents-file.ts";
import { recoverByTick } from "../../../src/evidence/keep.ts";
import { unitSucceeded } from "../../../src/ops/alerting.ts";
import type { IncidentsTable } from "../../../src/store/schema/evidence.ts";
import { load, withBase } from "../../config/support.ts";
import { testRails } from "../../support/rails.ts";

const MINUTE = 60_000;
const WORDS: Closing = { cause: "a full disk", fix: "room", prevention: "a prune", fixedBy: "1.2.4" };

describe("closing an incident", () => {
  it("keeps what a person said, and says it in INCIDENTS.md", async () => {
    const h = await harness();
    await h.insert({ id: "one", title: "It broke" });
    h.rails.clock.advance(MINUTE);
    expect(await h.close("one")).toMatchObject({ state: "closed", cause: "a full disk", fixedBy: "1.2.4" });
    expect(h.file()).toMatch(/## It broke[\s\S]*\| prevention \| a prune \|[\s\S]*\| fixed by \| 1.2.4 \|/);
    expect(await listIncidents(h.db, { all: false, limit: 10 })).toEqual([]);
    expect(await listIncidents(h.db, { all: true, limit: 10 })).toMatchObject([{ id: "one" }]);
  });

  it.each(["cause", "fix", "prevention", "fixedBy"] as const)(
    "refuses a %s that says nothing",
    async (name) => {
      const h = await harness();
      await h.insert({ id: "one" });
      for (const nothing of ["", "  \n", "-", "...", "\u200b"])
        await expect(h.close("one", { ...WORDS, [name]: nothing })).rejects.toMatchObject({
          code: "nothing_said",
        });
      await expect(h.close("one", { ...WORDS, [name]: "x".repeat(2_001) })).rejects.toThrow("shorter");
      expect(await listIncidents(h.db, { all: false, limit: 10 })).toMatchObject([
        { closedAt: null, cause: null },
      ]);
      expect(h.file()).toBeNull();
    },
  );

  it("refuses one that there is none of, and one that is closed", async () => {
    const h = await harness();
    await expect(h.close("nothing")).rejects.toMatchObject({ code: "unknown_incident" });
    await h.insert({ id: "one" });
    await h.close("one");
    await expect(h.close("one", { ...WORDS, cause: "another" })).rejects.toMatchObject({
      code: "incident_closed",
    });
    expect(await showIncident(h.db, "one")).toMatchObject({ cause: "a full disk" });
  });

  it("takes secrets out of what was said", async () => {
    const h = await harness();
    await h.insert({ id: "one" });
    const redact = (text: string) => text.replaceAll("hunter2", "[secret]");
    await h.close("one", { ...WORDS, cause: "the key hunter2 was wrong" }, redact);
    expect(h.file()).not.toContain("hunter2");
  });
});

describe("an incident says", () => {
  it("how long it lasted, and the command that shows its tick", async () => {
    const h = await harness();
    const at = h.rails.clock.nowMs();
    await h.insert({ id: "one", tick: "tick-1", opened_at: at - 3 * MINUTE, recovered_at: at });
    expect(await showIncident(h.db, "one")).toMatchObject({
      state: "recovered",
      recoveryMs: 3 * MINUTE,
      trace: "afk logs --tick tick-1",
    });
  });

  it("where to look when it was in no tick", async () => {
    const h = await harness();
    await h.insert({ id: "one", opened_at: Date.parse("2026-11-21T09:10:00Z") });
    expect((await showIncident(h.db, "one")).trace).toBe("afk logs --since 2026-11-21T09:00:00.000Z");
  });
});

describe("a tick that goes well ends", () => {
  it.each([
    ["tick_failed", "idle", true],
    ["state_rolled_back", "idle", true],
    ["unit_failed:afk.service", "ok", true],
    ["unit_failed:afk-tick", "idle", true],
    ["unit_failed:afk.service", "failed", false],
    ["unit_failed:afk-backup.service", "ok", false],
    ["wedged", "idle", false],
    ["wedged", "ok", true],
    ["overrun", "ok", true],
    ["overrun", "halted", false],
    ["job_dead:digest@1", "ok", false],
    ["heartbeat_late", "ok", false],
  ])("%s by a tick that was %s: %s", async (cause, outcome, isOver) => {
    const [event = "", subject = ""] = cause.split(/:(.*)/);
    const h = await harness();
    await h.insert({ event, subject });
    h.rails.clock.advance(MINUTE);
    const startedAt = h.rails.clock.nowMs();
    await h.rails.store.atomically((trx) => recoverByTick(trx, { outcome, startedAt }, startedAt + 5));
    const [incident] = await listIncidents(h.db, { all: true, limit: 1 });
    expect(incident?.recoveryMs).toBe(isOver ? MINUTE + 5 : null);
  });

  it("nothing that had a sign since it began", async () => {
    const h = await harness();
    const startedAt = h.rails.clock.nowMs();
    await h.insert({ event: "wedged", opened_at: startedAt, last_at: startedAt });
    await h.rails.store.atomically((trx) => recoverByTick(trx, { outcome: "ok", startedAt }, startedAt + 5));
    expect(await listIncidents(h.db, { all: true, limit: 1 })).toMatchObject([{ state: "lasting" }]);
  });
});

it("a unit's success ends its incident and no other's", async () => {
  const h = await harness();
  await h.insert({ id: "a", event: "unit_failed", subject: "afk-backup.service" });
  await h.insert({ id: "b", event: "unit_failed", subject: "afk-watchdog.service" });
  await unitSucceeded(h.rails.store, h.rails.clock, "afk-backup.service");
  expect([(await showIncident(h.db, "a")).state, (await showIncident(h.db, "b")).state]).toEqual([
    "recovered",
    "lasting",
  ]);
});

describe("INCIDENTS.md", () => {
  it("is not there before the first incident, and stays as it is while nothing changes", async () => {
    const h = await harness();
    await writeIncidents({ config: h.config, db: h.db });
    expect(h.file()).toBeNull();
    await h.insert({});
    await writeIncidents({ config: h.config, db: h.db });
    const first = h.file();
    h.rails.clock.advance(MINUTE);
    await writeIncidents({ config: h.config, db: h.db });
    expect(h.file()).toBe(first);
  });

  it("holds what is hostile as text", async () => {
    const h = await harness();
    const hostile = "# x\n\n<script>alert(1)</script> | [a](javascript:b) `c` \u202e";
    await h.insert({ id: "one", title: hostile, job: hostile, tick: "`rm -rf`" });
    await h.close("one", { cause: hostile, fix: hostile, prevention: hostile, fixedBy: hostile });
    const text = h.file() ?? "";
    expect(text).not.toMatch(/<script|[^\\]\]\(|\u202e|^# x|Trace/m);
    const lines = text.split("\n").filter((line) => line.startsWith("|"));
    for (const line of lines) expect(line.replaceAll("\\|", "").match(/\|/g)).toHaveLength(3);
  });
});

async function harness() {
  const rails = await testRails();
  const config = load(withBase({}), { state: rails.dir });
  const { db } = rails.store;
  let count = 0;
  return {
    rails,
    config,
    db,
    async insert(fields: Partial<IncidentsTable>) {
      count += 1;
      const at = fields.opened_at ?? rails.clock.nowMs();
      const row = { id: `i-${count}`, event: "wedged", subject: "", title: "t", count: 1 };
      await db
        .insertInto("incidents")
        .values({ ...row, opened_at: at, last_at: at, ...fields })
        .execute();
    },
    close: (id: string, words = WORDS, redact = (text: string) => text) =>
      closeIncident({ config, store: rails.store, clock: rails.clock, redact }, id, words),
    file() {
      const path = join(config.paths.runs, "INCIDENTS.md");
      return existsSync(path) ? readFileSync(path, "utf8") : null;
    },
  };
}
