import { describe, expect, it } from "vitest";
import { examine } from "../../../src/ops/doctor.ts";
import { ollama } from "../../support/afk.ts";
import { type Harness, harness } from "../harness.ts";

const HOUR = 3_600_000;
const WORDS = "Your credit balance is too low to access the API.";
const REFUSES = { type: "error", status: 400, message: WORDS } as const;
const MODEL = "ollama/test-model";

/** A job that asks `calls` times, of a model that refuses everything, with one behind it that never fails. */
async function asking(calls = 2): Promise<Harness & { server: Awaited<ReturnType<typeof ollama>> }> {
  const server = await ollama([], REFUSES);
  const made = await harness(
    async (context) => {
      for (let n = 1; n <= calls; n++)
        await context.complete(`ask-${n}`, { messages: [{ role: "user", content: `Hello ${n}.` }] });
      return undefined;
    },
    {
      timezone: "Asia/Tokyo",
      models: { chain: [MODEL, "extractive"], providers: { ollama: { base_url: server.url } } },
      jobs: [{ name: "work", kind: "work", every: "6h" }],
    },
  );
  return { ...made, server };
}

const refusals = ({ alerts }: Harness) => alerts.filter(({ event }) => event === "model_refuses");

describe("a model that refuses every call, while another one does its work", () => {
  it("is told of once a day of the agent's zone, in the server's words, and status says so until it answers", async () => {
    const made = await asking();
    const { agent, clock, server } = made;

    for (let ticks = 0; ticks < 9; ticks++) {
      expect(await agent.tick()).toMatchObject({ outcome: "ok" });
      clock.advance(6 * HOUR);
    }

    // From 19:00 to 19:00 two days later, in Tokyo.
    expect(refusals(made).map(({ key }) => key)).toEqual(
      ["21", "22", "23"].map((day) => `model_refuses:${MODEL}:2026-11-${day}`),
    );
    expect(refusals(made)[0]).toMatchObject({
      severity: "warn",
      title: `${MODEL} refuses what it is asked`,
      message: expect.stringMatching(/all 2 calls of a run of work.*credit balance is too low/),
      job: expect.stringContaining("work@"),
      tick: expect.any(String),
    });
    expect((await agent.status()).refusals).toEqual([
      {
        model: MODEL,
        since: "2026-11-21T10:00:00.000Z",
        at: "2026-11-23T10:00:00.000Z",
        reason: expect.stringContaining(WORDS.slice(0, -1)),
      },
    ]);

    const found = async () => {
      const checks = await examine(agent.config, agent.rails.store, { isOffline: true });
      return checks.filter(({ result, found }) => result === "warn" && found.includes("credit balance"));
    };
    expect(await found()).toHaveLength(1);

    server.otherwise({ type: "reply" });
    expect(await agent.tick()).toMatchObject({ outcome: "ok" });
    expect((await agent.status()).refusals).toEqual([]);
    expect(await found()).toEqual([]);
  });

  it("is told of when nothing stands behind it too, and the job is dead at once", async () => {
    const made = await asking();
    const agent = await made.reopen({
      models: { chain: [MODEL], providers: { ollama: { base_url: made.server.url } } },
      jobs: [{ name: "work", kind: "work", every: "6h" }],
    });

    expect(await agent.tick()).toMatchObject({ outcome: "failed", exitCode: 1 });

    expect(made.alerts.map(({ event }) => event)).toEqual(["model_refuses", "job_dead"]);
    expect((await agent.status()).refusals).toHaveLength(1);
  });

  it("is not spoken of any more once afk.yaml does not name it", async () => {
    const made = await asking();
    await made.agent.tick();
    const agent = await made.reopen({ models: { chain: ["extractive"] } });
    expect((await agent.status()).refusals).toEqual([]);
  });
});

describe("a model that refuses", () => {
  it.each([402, 404, 413, 422])("with %i is told of as well", async (status) => {
    const made = await asking();
    made.server.otherwise({ ...REFUSES, status });
    await made.agent.tick();
    expect(refusals(made)).toHaveLength(1);
  });

  it.each([
    ["some of the calls of a run", [REFUSES, { type: "reply" } as const]],
    ["one call and is down at the next", [REFUSES, { type: "error", status: 503 } as const]],
  ])("%s is not told of", async (_how, script) => {
    const made = await asking();
    made.server.script(script);
    await made.agent.tick();
    expect(refusals(made)).toEqual([]);
    expect((await made.agent.status()).refusals).toEqual([]);
  });

  it.each([401, 429, 500, 503])("nothing, but is down (%i), is the breaker's to tell of", async (status) => {
    const made = await asking();
    made.server.otherwise({ type: "error", status });
    await made.agent.tick();
    expect(refusals(made)).toEqual([]);
  });

  it("is told of when its run is stopped in the middle", async () => {
    const server = await ollama([], REFUSES);
    const made = await harness(
      async (context) => {
        await context.complete("ask", { messages: [{ role: "user", content: "Hello." }] });
        made.agent.rails.watch.trip({ by: "signal", at: 1, reason: "the test says so" });
        await context.step("next", async () => 1);
        return undefined;
      },
      { models: { chain: [MODEL, "extractive"], providers: { ollama: { base_url: server.url } } } },
    );
    await made.agent.enqueue("work");
    expect(await made.agent.tick()).toMatchObject({ outcome: "halted" });
    expect(refusals(made)).toHaveLength(1);
  });
});
