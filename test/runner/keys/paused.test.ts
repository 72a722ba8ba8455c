import { describe, expect, it } from "vitest";
import { queueSection } from "../../../src/dashboard/sections/work.ts";
import { claim, nextRunAt } from "../../../src/queue/claim.ts";
import { pauseJob } from "../../../src/queue/pause.ts";
import { textOf } from "../../dashboard/site.ts";
import { type Harness, harness } from "../harness.ts";

const HOUR = 3_600_000;
const HOURLY = { jobs: [{ name: "work", kind: "work", every: "1h" }] };
const BY_FILE = { jobs: [{ name: "work", kind: "work", every: "1h", paused: true }] };
const stateOf = ({ target }: Harness) => target.query("select name, state, attempts from jobs order by id");

describe("a paused job", () => {
  it("lets its times pass: nothing is added, nothing is missed, and it goes on at its next time", async () => {
    const made = await harness(() => undefined, HOURLY);
    const { agent, clock, ran, alerts } = made;
    await agent.tick();
    await agent.pause("work", "the feed is being moved");
    for (let hours = 0; hours < 5; hours++) {
      clock.advance(HOUR);
      expect(await agent.tick()).toMatchObject({ outcome: "idle" });
    }
    expect(ran).toEqual(["work"]);

    await agent.unpause("work");
    expect(await agent.tick()).toMatchObject({ outcome: "idle" });
    clock.advance(HOUR);
    expect(await agent.tick()).toMatchObject({ outcome: "ok" });

    expect(ran).toEqual(["work", "work"]);
    expect(alerts.map(({ event }) => event)).not.toContain("tick_missed");
    expect(stateOf(made)).toHaveLength(2);
  });

  it("that never ran is due at once when it may", async () => {
    const { agent, ran, reopen } = await harness(() => undefined, BY_FILE);
    await agent.tick();
    expect(ran).toEqual([]);
    const again = await reopen(HOURLY);
    await again.tick();
    expect(ran).toEqual(["work"]);
  });

  it("leaves what waits where it is, and what runs goes on to its end", async () => {
    const made = await harness(async (context) => {
      await made.agent.pause(context.name, null);
      return undefined;
    });
    const { agent, clock, ran } = made;
    await agent.enqueue("work", { key: "one" });
    await agent.enqueue("work", { key: "two" });
    clock.advance(1);
    expect(await agent.tick()).toMatchObject({ outcome: "ok", units: 1 });
    expect(ran).toEqual(["work"]);
    expect(stateOf(made)).toEqual([
      { name: "work", state: "done", attempts: 1 },
      { name: "work", state: "ready", attempts: 0 },
    ]);
    expect(await nextRunAt(agent.store.db)).toBe(undefined);
    expect(await agent.store.atomically((trx) => claim(trx, "me", clock.nowMs() + HOUR))).toBe(undefined);

    await agent.unpause("work");
    await agent.tick();
    expect(ran).toEqual(["work", "work"]);
  });

  it("holds up no other job", async () => {
    const two = ["work", "other"].map((name) => ({ name, kind: "work", every: "1h" }));
    const { agent, ran, clock } = await harness(() => undefined, { jobs: two });
    await agent.enqueue("work");
    clock.advance(1);
    await agent.pause("work", null);
    await agent.tick();
    expect(ran).toEqual(["other"]);
  });

  it("is not added to unless that is forced, and then that run alone is done", async () => {
    const made = await harness(() => undefined);
    const { agent, clock, ran } = made;
    await agent.enqueue("work", { key: "before" });
    clock.advance(1);
    await agent.pause("work", null);
    await expect(agent.enqueue("work")).rejects.toThrow("work is paused");
    expect(await agent.enqueue("work", { key: "forced", force: true })).toMatchObject({
      added: true,
      isPaused: true,
    });
    await agent.tick();
    expect(made.target.query("select key, state from jobs order by key")).toEqual([
      { key: "before", state: "ready" },
      { key: "forced", state: "done" },
    ]);
    expect(ran).toEqual(["work"]);
  });

  it.each([
    ["at the keyboard", {}, "keyboard"],
    ["by afk.yaml", BY_FILE, "afk.yaml"],
  ])("%s runs by hand with a note", async (_how, config, by) => {
    const { agent, ran, target } = await harness(() => undefined, config);
    if (by === "keyboard") await agent.pause("work", null);
    expect(await agent.tick({ now: "work" })).toMatchObject({ outcome: "ok" });
    expect(ran).toEqual(["work"]);
    expect(target.events()).toContain("paused_job_run");
    expect(await agent.status()).toMatchObject({
      paused: [{ job: "work", by }],
      queue: { ready: 0, done: 1 },
    });
  });

  it("is said with since when, by whom and why", async () => {
    const { agent, clock } = await harness(() => undefined, HOURLY);
    await agent.tick();
    await agent.pause("work", "it is noisy");
    const since = new Date(clock.nowMs()).toISOString();
    clock.advance(3 * HOUR);
    expect(await agent.pause("work", "again")).toEqual({ wasPaused: true });
    await agent.tick();
    expect(await agent.status()).toMatchObject({
      paused: [{ job: "work", by: "keyboard", reason: "it is noisy", since }],
      findings: [{ code: "job_paused", text: "work is paused", command: "afk unpause work" }],
      nextDueAt: null,
    });
  });

  it("that afk.yaml pauses stays so until the file says otherwise", async () => {
    const { agent, clock, ran, reopen } = await harness(() => undefined, BY_FILE);
    await agent.tick();
    const since = new Date(clock.nowMs()).toISOString();
    await agent.store.atomically((trx) =>
      pauseJob(trx, { job: "work", by: "phone", reason: null }, clock.nowMs()),
    );
    clock.advance(HOUR);
    expect(await agent.unpause("work")).toEqual({ wasPaused: true, isByFile: true });
    await agent.tick();
    expect(await agent.status()).toMatchObject({
      paused: [{ by: "afk.yaml", since }],
      findings: [{ command: "take paused: true of work out of afk.yaml" }],
    });
    expect(ran).toEqual([]);
    const again = await reopen(HOURLY);
    await again.tick();
    expect(await again.status()).toMatchObject({ paused: [], findings: [] });
    expect(ran).toEqual(["work"]);
  });

  it("has to be a job of afk.yaml", async () => {
    const { agent } = await harness(() => undefined);
    await expect(agent.pause("wrk", null)).rejects.toThrow("Did you mean work?");
    await expect(agent.unpause("wrk")).rejects.toThrow("no job named wrk");
  });
});

it("the page says which jobs are paused, and on which a job follows", () => {
  const run = (job: string, more: object) => ({
    job,
    schedule: { type: "manual" },
    after: [],
    dueAt: null,
    paused: null,
    ...more,
  });
  const queue = { ready: 0, running: 0, done: 0, dead: 0 };
  const since = "2026-11-21T09:00:00.000Z";
  const paused = { job: "fetch", by: "keyboard", reason: "<it is noisy>", since };
  const snapshot = {
    status: { queue },
    waiting: [],
    last: [],
    next: [run("fetch", { paused }), run("report", { after: ["fetch"] })],
  };
  const times = { nowMs: Date.parse("2026-11-21T10:00:00Z"), timezone: "UTC" };
  const shown = textOf(queueSection(snapshot as never, times as never).markup);
  expect(shown).toMatch(/fetch by hand .*paused by keyboard .*ago: .*it is noisy/);
  expect(shown).toContain("report after fetch");
});
