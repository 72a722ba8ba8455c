import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { openAgent } from "../../src/agent.ts";
import { deployment } from "../support/afk.ts";
import { fakeClock } from "../support/fake-clock.ts";

describe("the records of a tick", () => {
  it("do not keep it from its work when they cannot be written, and are written by the next", async () => {
    const { target, agent, clock } = await ticking();
    await agent.outbox.transaction((_trx, announce) =>
      announce({ event: "wedged", title: "It hung", message: "m", key: "wedged:1" }),
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
    const key = "unit_failed:afk.service:1";
    await agent.outbox.transaction((_trx, announce) =>
      announce({ event: "unit_failed", title: "failed", message: "m", key }),
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

async function ticking(command = ["true"]) {
  const target = deployment({
    agent: "test-agent",
    budget: { daily_cap_usd: 1 },
    models: { chain: ["extractive"] },
    jobs: [{ name: "work", kind: "exec", every: "1d", max_attempts: 1, command }],
  });
  mkdirSync(target.state);
  const clock = fakeClock();
  const agent = await openAgent({ config: target.configFile, state: target.state, environment: {}, clock });
  onTestFinished(() => agent.close());
  return { target, agent, clock };
}
