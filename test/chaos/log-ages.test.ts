import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { openAgent } from "../../src/agent.ts";
import { DAY_MS, HOUR_MS } from "../../src/lib/durations.ts";
import { deployment } from "../support/afk.ts";
import { cases, chaosSeed, patience, report } from "../support/chaos.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { seededRandomness } from "../support/seeded.ts";

const LOG_DAYS = 14;
const OLDEST_DAYS = 40;

it(
  "deletes no log before its time, however the wall clock jumps",
  async () => {
    const steps = cases({ test: 40, chaos: 2_000 });
    const { random } = seededRandomness(chaosSeed("ages of logs"));
    const target = deployment({
      agent: "test-agent",
      budget: { daily_cap_usd: 1 },
      models: { chain: ["extractive"] },
      retention: { log_days: LOG_DAYS },
    });
    const clock = fakeClock();
    const logs = join(target.state, "logs");
    mkdirSync(logs, { recursive: true });
    /** The time that has really passed, which no jump changes. */
    let trueMs = clock.nowMs();
    for (let days = 1; days <= OLDEST_DAYS; days++) writeFileSync(logOf(trueMs - days * DAY_MS), "{}\n");
    const config = { config: target.configFile, state: target.state, environment: {} };
    const agent = await openAgent({ ...config, clock });
    onTestFinished(() => agent.close());

    function logOf(ms: number): string {
      return join(logs, `afk-${new Date(ms).toISOString().slice(0, 10)}.jsonl`);
    }
    function expectKept(step: string): void {
      const there = new Set(readdirSync(logs).map((name) => join(logs, name)));
      for (let days = 1; days < LOG_DAYS; days++) {
        const due = trueMs - days * DAY_MS;
        const isMade = there.has(logOf(due)) || due > madeUpToMs;
        expect(isMade, `${logOf(due)} after ${step}`).toBe(true);
      }
    }
    /** From here on the agent writes the logs itself, on the days that its clock says. */
    const madeUpToMs = trueMs - DAY_MS;

    // Whoever has never looked at a clock cannot tell that it jumped.
    await agent.tick();
    for (let step = 0; step < steps; step++) {
      const passedMs = random() * 5 * HOUR_MS;
      clock.advance(passedMs);
      trueMs += passedMs;
      const jumpMs = Math.round((random() - 0.5) * 800 * DAY_MS);
      const isJumping = random() < 0.7;
      if (isJumping) clock.jump(jumpMs);
      await agent.tick();
      expectKept(`step ${step}, with the clock ${isJumping ? jumpMs : 0} ms off`);
      if (isJumping) clock.jump(-jumpMs);
    }
    // What is too old goes all the same, once the clock is right.
    await agent.tick();
    const oldest = readdirSync(logs).sort()[0] ?? "";
    const limit = new Date(trueMs - (LOG_DAYS + 1) * DAY_MS).toISOString().slice(0, 10);
    expect(oldest >= `afk-${limit}.jsonl`, `${oldest} is older than ${limit}`).toBe(true);
    report("ages of logs", steps);
  },
  patience({ test: 180_000, chaos: 900_000 }),
);
