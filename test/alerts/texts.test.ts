import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { expect, test } from "vitest";
import { alertText } from "../../src/alerts/channels/text.ts";
import { ALERT_EVENTS, type AlertEvent, type AlertPayload } from "../../src/alerts/events.ts";
import { attendToday, keepUnattended } from "../../src/evidence/unattended/keep-days.ts";
import type { JobKind } from "../../src/jobs/job.ts";
import { jobKinds } from "../../src/jobs/registry.ts";
import { alertUnitFailed } from "../../src/ops/alert-unit.ts";
import { watchDatabase } from "../../src/ops/database-events.ts";
import { checkHighWater } from "../../src/ops/high-water.ts";
import { runWatchdog } from "../../src/ops/watchdog/watchdog.ts";
import { noteRefusals } from "../../src/providers/refusals.ts";
import { CallFailed } from "../../src/rails/call.ts";
import { resume } from "../../src/rails/resume.ts";
import { reportSources } from "../../src/runner/job/report-sources.ts";
import { reportWedged } from "../../src/runner/phases/report-wedged.ts";
import { reportFailed } from "../../src/runner/phases/result.ts";
import { wedgeMarkerIn } from "../../src/runner/wedge/marker.ts";
import { FORGOTTEN } from "../../src/store/postgres/failover.ts";
import { harness } from "../runner/harness.ts";
import { sampleChannel } from "./payload.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const FRAMES = Array.from(
  { length: 12 },
  (_, n) => `  File "/srv/sync/client.py", line ${n}, in step\n    next(${n})`,
);
const TRACEBACK = `Traceback (most recent call last):\n${FRAMES.join("\n")}\nValueError: no account has the id 42`;

/** What no test can bring about here in a moment; the tests of each look at its text too. */
const ELSEWHERE: AlertEvent[] = [
  "alert_test",
  "approval_asked",
  "delivery_failed",
  "disk_low",
  "drift_found",
  "machine_lost",
  "process_left",
  "remote_refused",
  "value_low",
];

/** So that the watchdog knows the jobs of the harness. */
const WORK: JobKind = {
  kind: "work",
  settings: v.looseObject({}),
  run: async () => ({ units: 1, summary: "worked" }),
};

const channel = sampleChannel("telegram", "https://example.org/");

/** As a phone shows it. */
function shown(alert: AlertPayload): string {
  return alertText(alert, channel);
}

test("every alert can be read on a phone: local times, a few lines, the end of an error, and what to do", async () => {
  const told = await everyAlert();
  const events = Object.keys(ALERT_EVENTS) as AlertEvent[];
  const missing = events.filter((event) => !told.some((alert) => alert.event === event));
  expect(missing.sort()).toEqual(ELSEWHERE);
  for (const alert of told) {
    const text = shown(alert);
    // Of a key or an option's value what has to be typed stays.
    expect(text.replace(/(?:@|--since )\S+/g, "")).not.toMatch(/\d{4}-\d\d-\d\dT/);
    expect(text).not.toMatch(/Set by|\b01[0-9a-hjkmnp-tv-z]{24}\b/);
    if (alert.message.includes("Error")) expect(text).toContain("ValueError: no account has the id 42");
    expect(alert.title.length).toBeLessThanOrEqual(80);
    // Paths of this test's folders, and a refusal that names what to write, may be longer than those of a host.
    expect(alert.message.length).toBeLessThanOrEqual(/refused: |older copy/.test(alert.message) ? 400 : 300);
    expect(text).toMatch(
      /Look: \S|then: afk resume|now: afk resume|Nothing is to be done|afk logs --event|afk ledger reconcile|waits in: afk dead/,
    );
  }
});

/** As the gate finds it in a fleet's database (store/postgres/failover.ts). */
function failedOver(at: number) {
  const reason = `the database failed over: its server was promoted or restored to an earlier moment (timeline 00000002, was 00000001). ${FORGOTTEN}`;
  return { generation: 7, event: "failover_seen" as const, at, reason, told_at: null, confirmed_at: null };
}

async function everyAlert(): Promise<AlertPayload[]> {
  let run: "plain" | "fail" | "draft" | "file" = "plain";
  const at = await harness(
    (context) => {
      if (run === "fail") throw new Error(`./sync.py exited with 1: ${TRACEBACK}`);
      if (run === "draft") context.draft("welcome", "post", { url: "https://example.org/", json: {} });
      if (run === "file") context.publish("note.md", "text");
      return undefined;
    },
    {
      timezone: "Europe/Berlin",
      budget: { daily_cap_usd: 1, hourly_cap_usd: 0.8 },
      breaker: { failures: 2 },
      egress: { allow: ["example.org"] },
      jobs: [
        { name: "work", kind: "work", every: "1h", retry: { attempts: 1 } },
        { name: "judged", kind: "work", expect: { file: "report-*.md" }, retry: { attempts: 1 } },
      ],
    },
  );
  const { agent, alerts, clock, target } = at;
  const { store, outbox, rails, config, log } = agent;
  const { announce } = outbox;
  const guard = (estimate: number, call: () => Promise<{ value: null; costUsd: number }>) =>
    agent.guard("api", estimate, call).catch(() => undefined);
  const sources = { config, version: "1.2.3", store, outbox, clock, log };

  // Work, and what goes wrong with it.
  await agent.tick();
  clock.advance(30 * HOUR);
  await agent.tick();
  await agent.tick({ now: "judged" });
  run = "draft";
  await agent.tick({ now: "work" });
  run = "fail";
  for (let time = 0; time < 4; time++) {
    clock.advance(HOUR);
    await agent.tick();
  }
  run = "file";
  rmSync(config.paths.out, { recursive: true, force: true });
  writeFileSync(config.paths.out, "a file in the place of the folder");
  await agent.tick({ now: "work" });
  rmSync(config.paths.out);
  run = "plain";
  await reportFailed({ store, outbox }, "01k9abcdefghjkmnpqrstvwxyz", new Error(TRACEBACK));
  const key = "work@2026-11-21T10:00:00.000Z";
  const source = { ...(await store.db.selectFrom("jobs").selectAll().executeTakeFirstOrThrow()), key };
  for (const error of [`the feed cannot be read: ${TRACEBACK}`, null]) {
    const report = { ...source, tick: "t", nowMs: clock.nowMs(), timezone: "Europe/Berlin" };
    const sourcesFound = [{ id: "feed", label: "Planet Example", error }];
    await store.atomically((trx) =>
      reportSources(trx, announce, { ...report, sources: sourcesFound as never }),
    );
  }
  const refused = { answered: 0, refused: 3, lost: 0, reason: `400 ${TRACEBACK}` };
  const calls = { byModel: new Map([["openai/gpt-x", refused]]), onCall: () => undefined };
  const modelRun = { calls, name: "work", key, tick: "t", day: "2026-11-21", nowMs: clock.nowMs() };
  await store.atomically((trx) => noteRefusals(trx, announce, modelRun));
  writeFileSync(
    wedgeMarkerIn(target.state),
    JSON.stringify({ reason: "the event loop stood still for 10 s", at: clock.nowMs() }),
  );
  await reportWedged({ config, store, outbox });

  // Money and models.
  await guard(0.6, async () => ({ value: null, costUsd: 0.6 }));
  await guard(0.5, async () => ({ value: null, costUsd: 0 }));
  await guard(0.01, async () => {
    throw new Error(TRACEBACK);
  });
  clock.advance(2 * DAY);
  for (let time = 0; time < 3; time++)
    await guard(0.01, async () => {
      throw new CallFailed(`the server answered 500: ${TRACEBACK}`, { charge: "none", trip: "count" });
    });
  clock.advance(DAY);
  await guard(0.01, async () => ({ value: null, costUsd: 0 }));
  await guard(0.01, async () => ({ value: null, costUsd: 0.02 }));
  clock.jump(3 * HOUR);
  await agent.guard("other", 0.01, async () => ({ value: null, costUsd: 0 }));
  clock.jump(-3 * HOUR);

  // The agent, its switch and its days.
  const day = { day_zero: "2026-11-01", seen_day: "2026-11-08", started_at: 1, version: "", config_hash: "" };
  await store.db
    .insertInto("clock")
    .values({ id: 1, ...day } as never)
    .execute();
  await store.atomically((trx) => attendToday(trx, announce, { config, clock, what: "work" }));
  await store.db.updateTable("clock").set(day).execute();
  await keepUnattended(sources);
  await watch();
  await agent.store.atomically((trx) => trx.deleteFrom("ticks").execute());
  for (let tick = 0; tick < 3; tick++) await emptyTick(tick);
  await watch();
  clock.advance(2 * DAY);
  await watch();
  await agent.tick();
  await watch();
  await alertUnitFailed(sourcesOfConfig(), {
    unit: "afk.service",
    result: "exit-code",
    status: "78",
    invocation: "0",
  });
  const good = { agent: "test-agent", timezone: "Europe/Berlin", budget: { daily_cap_usd: 1 } };
  target.configure({ ...good, models: { chain: ["extractiv"] } });
  await agent.tick();
  await watch();
  target.configure({ ...good, models: { chain: ["extractive"] } });
  await agent.rails.store.atomically((trx) => trx.deleteFrom("kill_switch").execute());
  await resume(rails, { isBackToo: false });
  mkdirSync(target.state, { recursive: true });
  writeFileSync(join(target.state, "STOP"), "");
  await agent.tick();
  rmSync(join(target.state, "STOP"));
  writeFileSync(config.paths.highWater, `${JSON.stringify({ generation: 999_999 })}\n`);
  await checkHighWater(store, outbox, config.paths.highWater, clock);
  await store.atomically((trx) =>
    trx.insertInto("database_events").values(failedOver(clock.nowMs())).execute(),
  );
  await watchDatabase(store, { outbox, clock, log });
  const rows = await store.db.selectFrom("alerts").select("payload").execute();
  return [...rows.map(({ payload }) => JSON.parse(payload) as AlertPayload), ...alerts.filter(isUnusable)];

  function sourcesOfConfig() {
    const kinds = () => [...jobKinds, WORK];
    return { config: target.configFile, state: target.state, environment: {}, kinds, clock };
  }
  async function watch() {
    const { findings } = await runWatchdog(sourcesOfConfig());
    for (const { event, title, message, key: known } of findings)
      if (event === "unusable")
        alerts.push({ version: 1, event, agent: "a", severity: "error", ts: "", title, message, key: known });
  }
  async function emptyTick(count: number) {
    clock.advance(5 * 60_000);
    const tick = {
      id: `${count}`,
      started_at: clock.nowMs(),
      finished_at: clock.nowMs(),
      outcome: "failed" as const,
    };
    const rest = {
      reason: `a job failed: ${TRACEBACK}`,
      units: 0,
      cost_micros: 0,
      by_hand: 0,
      next_due_at: null,
    };
    await store.db
      .insertInto("ticks")
      .values({ ...tick, ...rest, version: "" })
      .execute();
  }
}

const isUnusable = ({ event }: AlertPayload) => event === "unusable";
