// @module-tag processes
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { openAgent } from "../../../src/agent.ts";
import { DAY_MS } from "../../../src/lib/durations.ts";
import { deployment } from "../../support/afk.ts";
import { fakeClock } from "../../support/fake-clock.ts";

describe("the records of a tick", () => {
  it("do not keep it from its work when they cannot be written, and are written by the next", async () => {
    const { target, agent, clock } = await ticking();
    await agent.store.atomically((trx) =>
      agent.outbox.announce(trx, {
        event: "wedged",
        title: "It hung",
        message: "m",
        subject: "",
        occurrence: "1",
      }),
    );
    clock.advance(60_000);
    const runs = join(target.state, "runs");
    writeFileSync(runs, "a file where the folder should be");
    expect(await agent.tick()).toMatchObject({ outcome: "ok", exitCode: 0 });
    expect(target.events()).toContain("records_failed");
    rmSync(runs);
    await agent.tick();
    expect(readFileSync(join(runs, "INCIDENTS.md"), "utf8")).toContain("recovered, not closed");
  });

  it("say that a unit's incident is over by a tick that follows, and not by the one that fails", async () => {
    const { agent, clock } = await ticking(["false"]);
    const about = { subject: "afk.service", occurrence: "1" };
    await agent.store.atomically((trx) =>
      agent.outbox.announce(trx, { event: "unit_failed", title: "failed", message: "m", ...about }),
    );
    const ended = async () =>
      (
        await agent.rails.store.db
          .selectFrom("incidents")
          .select("recovered_at")
          .where("event", "=", "unit_failed")
          .executeTakeFirstOrThrow()
      ).recovered_at;
    clock.advance(60_000);
    expect(await agent.tick()).toMatchObject({ outcome: "failed" });
    expect(await ended()).toBeNull();
    clock.advance(60_000);
    expect(await agent.tick()).toMatchObject({ outcome: "idle" });
    expect(await ended()).toBe(clock.nowMs());
  });
});

it.each([20, 400])(
  "a wall clock %i days ahead for one tick deletes no log and gives up no alert",
  async (days) => {
    const { target, agent, clock } = await ticking(["true"], {
      alerts: [{ type: "webhook", url: "http://127.0.0.1:1/" }],
    });
    await agent.store.atomically((trx) =>
      agent.outbox.announce(trx, {
        event: "wedged",
        title: "It hung",
        message: "m",
        subject: "",
        occurrence: "1",
      }),
    );
    await agent.tick();
    const earlier = ["afk-2026-11-08.jsonl", "afk-2026-11-15.jsonl", "afk-2026-11-21.jsonl"];
    for (const name of earlier.slice(0, 2)) writeFileSync(join(target.state, "logs", name), "{}\n");
    writeFileSync(join(target.state, "logs", "afk-2026-11-01.jsonl"), "{}\n");
    clock.jump(days * DAY_MS);
    await agent.tick();
    clock.jump(-days * DAY_MS);
    await agent.tick();
    const kept = readdirSync(join(target.state, "logs"));
    expect(kept).toEqual(expect.arrayContaining(earlier));
    expect(kept).not.toContain("afk-2026-11-01.jsonl");
    expect(target.query("select distinct state from alert_deliveries")).toEqual([{ state: "pending" }]);
  },
);

async function ticking(command = ["true"], more: Record<string, unknown> = {}) {
  const target = deployment({
    ...more,
    agent: "test-agent",
    budget: { daily_cap_usd: 1 },
    models: { chain: ["extractive"] },
    jobs: [{ name: "work", kind: "exec", every: "1d", retry: { attempts: 1 }, command }],
  });
  mkdirSync(target.state);
  const clock = fakeClock();
  const agent = await openAgent({ config: target.configFile, state: target.state, environment: {}, clock });
  onTestFinished(() => agent.close());
  return { target, agent, clock };
}
