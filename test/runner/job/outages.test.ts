// @module-tag slow
import { describe, expect, it, onTestFinished } from "vitest";
import { openAgent } from "../../../src/agent.ts";
import { type Deployment, deployment, digestConfig, fillInbox, ollama } from "../../support/afk.ts";
import { contentServer } from "../../support/content-server.ts";
import { type FakeClock, fakeClock } from "../../support/fake-clock.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const DOWN = { type: "error", status: 503, message: "out of memory" } as const;
const FEED = `<?xml version="1.0"?><rss version="2.0"><channel><title>News</title><link>http://localhost/</link><description>d</description>
<item><title>The feed is back</title><guid>1</guid><description>It answers again, and has one item.</description></item></channel></rss>`;

/** Runs the agent for so long on its clock, which `onTick` sees: `tick` opens it anew each time, as a timer does. */
const MODES: Record<
  string,
  (target: Deployment, clock: FakeClock, forMs: number, onTick: () => void) => Promise<void>
> = {
  async "afk tick"(target, clock, forMs, onTick) {
    const endsAt = clock.nowMs() + forMs;
    while (clock.nowMs() < endsAt) {
      onTick();
      const agent = await openAgent({
        config: target.configFile,
        state: target.state,
        environment: {},
        clock,
      });
      await agent.tick().finally(() => agent.close());
      clock.advance(HOUR);
    }
  },
  async "afk run"(target, clock, forMs, onTick) {
    const endsAt = clock.nowMs() + forMs;
    const environment = { TICK_SECONDS: "900" };
    const agent = await openAgent({ config: target.configFile, state: target.state, environment, clock });
    onTestFinished(() => agent.close());
    onTick();
    await agent.run(() => {
      onTick();
      if (clock.nowMs() >= endsAt)
        agent.rails.watch.trip({ by: "signal", at: clock.nowMs(), reason: "the test is over" });
    });
  },
};

const told = (target: Deployment, event: string) =>
  target.query("select key from alerts where event = ?", event).length;
const incidents = (target: Deployment, event: string) =>
  target.query("select count from incidents where event = ?", event);

describe("a digest whose only model is down", () => {
  it.each([
    ["afk tick", 23, "done", {}],
    ["afk tick", 25, "dead", {}],
    // The loop looks once a second, and a day of it takes long also by a clock that does not wait.
    ["afk run", 3, "done", { give_up_after: "4h" }],
    ["afk run", 5, "dead", { give_up_after: "4h" }],
  ] as const)("under %s for %i h is %s", async (mode, hours, end, retry) => {
    const server = await ollama([], DOWN);
    const target = deployment(digestConfig(server.url, { job: { every: "30d", retry } }));
    fillInbox(target, 1);
    const clock = fakeClock();
    const upAt = clock.nowMs() + hours * HOUR;

    await MODES[mode]!(target, clock, (hours + 2) * HOUR, () => {
      if (clock.nowMs() >= upAt) server.otherwise({ type: "reply" });
    });

    expect(target.query("select state, waiting_since from jobs")).toEqual([
      { state: end, waiting_since: null },
    ]);
    expect(told(target, "job_dead")).toBe(end === "dead" ? 1 : 0);
    expect(incidents(target, "job_dead")).toEqual(end === "dead" ? [{ count: 1 }] : []);
    expect(
      target.query<{ error: string }>("select error from dead_letters").map(({ error }) => error),
    ).toEqual(
      end === "dead"
        ? [expect.stringMatching(/^given up after (?:1 d|4 h) \(retry\.give_up_after\).*out of memory/)]
        : [],
    );
    // The breaker decides how often it is asked, and not the job.
    expect(server.requests.length).toBeLessThan(40);
  });
});

it("is one dead letter, alert and incident, however many runs of the schedule die of one outage", async () => {
  const server = await ollama([], DOWN);
  const retry = { give_up_after: "1h" };
  const target = deployment(digestConfig(server.url, { job: { every: "1h", retry } }));
  fillInbox(target, 1);
  const clock = fakeClock();

  await MODES["afk tick"]!(target, clock, 8 * HOUR, () => undefined);

  const dead = target.query("select key from jobs where state = 'dead'").length;
  expect(dead).toBeGreaterThanOrEqual(6);
  expect(told(target, "job_dead")).toBe(1);
  expect(incidents(target, "job_dead")).toEqual([{ count: dead }]);
  const agent = await openAgent({ config: target.configFile, state: target.state, environment: {}, clock });
  onTestFinished(() => agent.close());
  const { queue, waiting } = await agent.status();
  expect(queue.dead).toBe(1);
  expect(waiting).toMatchObject({ jobs: expect.any(Number), reason: expect.stringContaining("test-model") });
});

describe("a digest whose only source is down", () => {
  it("waits for it, tells of it once, and is done when it is back", async () => {
    const server = await ollama();
    const site = await contentServer({ "/feed.xml": { status: 503 } });
    const feed = `${site.origin}/feed.xml`;
    const rest = { egress: { allow: ["127.0.0.1"], allow_private: ["127.0.0.1"] } };
    const target = deployment(digestConfig(server.url, { job: { every: "30d", sources: [{ feed }] }, rest }));
    const clock = fakeClock();
    const startedAt = clock.nowMs();
    const upAt = startedAt + 3 * HOUR;

    await MODES["afk tick"]!(target, clock, 6 * HOUR, () => {
      if (clock.nowMs() >= upAt)
        site.routes["/feed.xml"] = { headers: { "content-type": "text/xml" }, body: FEED };
      else if (clock.nowMs() > startedAt)
        expect(target.query("select state, attempts from jobs")).toEqual([{ state: "ready", attempts: 0 }]);
    });

    expect(target.query("select state, units, attempts from jobs")).toEqual([
      { state: "done", units: 1, attempts: 1 },
    ]);
    expect(Object.values(target.outputs()).join()).toContain("The feed is back");
    expect([
      told(target, "source_failed"),
      told(target, "source_recovered"),
      told(target, "job_dead"),
    ]).toEqual([1, 1, 0]);
  });

  it.each([404, 410])(
    "does not wait for a page that is not there (%i): the digest names it",
    async (status) => {
      const server = await ollama();
      const site = await contentServer({ "/feed.xml": { status } });
      const sources = [{ feed: `${site.origin}/feed.xml` }];
      const rest = { egress: { allow: ["127.0.0.1"], allow_private: ["127.0.0.1"] } };
      const target = deployment(digestConfig(server.url, { job: { sources }, rest }));

      await MODES["afk tick"]!(target, fakeClock(), MINUTE, () => undefined);

      expect(target.query("select state from jobs")).toEqual([{ state: "done" }]);
      expect(Object.values(target.outputs()).join()).toContain("Failing sources");
    },
  );

  it("goes on without one that is down when another is not", async () => {
    const server = await ollama();
    const site = await contentServer({ "/feed.xml": { status: 503 } });
    const sources = [{ feed: `${site.origin}/feed.xml` }, { folder: "./inbox" }];
    const rest = { egress: { allow: ["127.0.0.1"], allow_private: ["127.0.0.1"] } };
    const target = deployment(digestConfig(server.url, { job: { sources }, rest }));
    fillInbox(target, 1);

    await MODES["afk tick"]!(target, fakeClock(), MINUTE, () => undefined);

    expect(target.query("select state from jobs")).toEqual([{ state: "done" }]);
    expect(target.query("select name from steps where name like 'fetch:%' order by name")).toHaveLength(2);
    expect(Object.values(target.outputs()).join()).toContain("Failing sources");
  });
});
