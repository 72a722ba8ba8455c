import { setTimeout as delay } from "node:timers/promises";
import { expect, it, onTestFinished } from "vitest";
import { startModelEndpoint } from "../../src/faults/model-endpoint.ts";
import { formatUsd } from "../../src/lib/money.ts";
import { CallFailed } from "../../src/rails/call.ts";
import { guard } from "../../src/rails/guard.ts";
import { BreakerOpen } from "../../src/rails/halt.ts";
import { resume } from "../../src/rails/resume.ts";
import { tick } from "../cli/commands/in-process.ts";
import { deployment, digestConfig, fillInbox, ollama, PROCESSES } from "../support/afk.ts";
import { cases, chaosSeed, patience, report } from "../support/chaos.ts";
import { besides, guardedCall, testRails, thrown } from "../support/rails.ts";
import { type RailsOn, railsOn } from "../support/rails-on.ts";
import { seededRandomness } from "../support/seeded.ts";
import { workInMemory } from "./support/in-memory.ts";

const DAY_MS = 86_400_000;

workInMemory();

it(
  "makes no call after one that cost more than its bound, whatever follows, until a person resumes",
  async () => {
    const scripts = cases({ test: 10, chaos: 4_000 });
    const { random } = seededRandomness(chaosSeed("after an overrun"));
    for (let script = 0; script < scripts; script++) {
      const rails = await testRails({ budget: { day_micros: 1e9 } });
      let performed = 0;
      // Calls that left before the one that cost too much, and end after it in every way that there is.
      const gates = Array.from({ length: 4 }, () => Promise.withResolvers<void>());
      const early: Promise<unknown>[] = [];
      for (const [index, { promise }] of gates.entries()) {
        const begun = Promise.withResolvers<void>();
        const perform = async () => {
          begun.resolve();
          await promise;
          return ended(index);
        };
        early.push(guard(rails, guardedCall(rails, { perform })).catch(() => undefined));
        await begun.promise;
      }
      const overrun = guardedCall(rails, { perform: async () => ({ ...COST, costMicros: 1_001 }) });
      expect(await guard(rails, overrun)).toBe("text");
      let each: RailsOn = rails;
      for (let step = 0; step < 12; step++) {
        const choice = Math.floor(random() * 5);
        if (choice === 0) rails.clock.advance(random() * 100 * DAY_MS);
        if (choice === 1) rails.clock.reboot(random() * DAY_MS);
        if (choice === 2) {
          gates.pop()?.resolve();
          await early.pop();
        }
        if (choice === 3) each = await besides(rails);
        if (choice === 4) each = railsOn(rails.store, rails.dir, { clock: rails.clock });
        const call = guardedCall(each, {
          perform: async () => {
            performed += 1;
            return COST;
          },
        });
        expect(await thrown(guard(each, call))).toBeInstanceOf(BreakerOpen);
      }
      for (const { resolve } of gates) resolve();
      await Promise.all(early);
      expect(performed).toBe(0);
      expect(await resume(rails, { isBackToo: false })).toEqual({
        kill: null,
        breakers: ["model:openai/test"],
        confirmed: [],
      });
      expect(await guard(rails, guardedCall(rails))).toBe("text");
      expect(await resume(rails, { isBackToo: false })).toEqual({ kill: null, breakers: [], confirmed: [] });
    }
    report("after an overrun", scripts);
  },
  patience({ test: 180_000, chaos: 3_600_000 }),
);

const COST = { costMicros: 400, inputTokens: 7, outputTokens: 3, value: "text" };

function ended(index: number) {
  if (index === 0) return { ...COST, costMicros: 2_000 };
  if (index === 1) throw new CallFailed("refused", { charge: "none", trip: "now" });
  if (index === 2) throw new Error("lost");
  return COST;
}

it(
  "a real process asks the next model then, and every place says what to do, until afk resume",
  PROCESSES,
  async () => {
    const dear = await startModelEndpoint("openai");
    onTestFinished(() => dear.close());
    // It ignores the bound that it was given.
    dear.otherwise({ type: "reply", usage: { outputTokens: 1_000_000 } });
    const next = await ollama();
    const target = deployment(
      digestConfig(next.url, {
        models: {
          chain: ["openai/test", "ollama/test-model"],
          providers: { openai: { base_url: `${dear.url}/v1` }, ollama: { base_url: next.url } },
          prices: { "openai/test": { input: 1, output: 4 } },
        },
        breaker: { cooldown: "1s", max_cooldown: "1s" },
        budget: { daily_cap_usd: 100 },
      }),
    );
    fillInbox(target, 1);
    expect(await tick(target)).toMatchObject({ outcome: "ok" });
    for (const round of ["a", "b"]) {
      await delay(1_100);
      fillInbox(target, 2, round);
      const again = await target.afk(["tick", "--now", "digest"]);
      expect(again.code, again.stderr).toBe(0);
    }
    expect(dear.requests).toHaveLength(1);
    expect(next.requests.length).toBeGreaterThan(4);
    const [entry] = target.query<{ cost: number; bound: number }>(
      "select cost_micros as cost, estimate_micros as bound from ledger where model = 'openai/test'",
    );
    expect(entry?.cost).toBeGreaterThan(4_000_000);
    const why = `openai/test billed ${formatUsd(entry?.cost ?? 0)} for a call that was bounded by ${formatUsd(entry?.bound ?? 0)}`;
    const status = await target.afk(["status"]);
    expect(status.stdout).toContain("! needs you: model:openai/test is refused");
    expect(status.stdout).toContain(`model:openai/test refused until you run afk resume: ${why}`);
    expect(JSON.parse((await target.afk(["status", "--json"])).stdout).breakers).toMatchObject([
      { name: "model:openai/test", state: "blocked", until: null, reason: expect.stringContaining(why) },
    ]);
    const doctor = await target.afk(["doctor", "--offline"]);
    expect(doctor.stdout).toContain(`model:openai/test is refused: ${why}`);
    expect(doctor.stdout).toContain("then afk resume");
    const told = target.query<{ payload: string }>("select payload from alerts where event = 'breaker_open'");
    expect(told).toHaveLength(1);
    expect(told[0]!.payload).toContain("afk resume");

    const resumed = await target.afk(["resume"]);
    expect(resumed).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^cleared: model:openai\/test is called again\n/),
    });
    fillInbox(target, 1, "after");
    expect((await target.afk(["tick", "--now", "digest"])).code).toBe(0);
    expect(dear.requests).toHaveLength(2);
  },
);
