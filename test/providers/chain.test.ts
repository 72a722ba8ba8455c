// @module-tag processes
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import type { ModelsConfig } from "../../src/config/config.ts";
import type { Behaviour } from "../../src/faults/model-answers.ts";
import { type ModelEndpoint, startModelEndpoint } from "../../src/faults/model-endpoint.ts";
import { countersAgree } from "../../src/ops/counters.ts";
import { createChain, ModelUnavailable } from "../../src/providers/chain.ts";
import type { CompleteOptions } from "../../src/providers/complete-options.ts";
import type { Completion, ModelRequest } from "../../src/providers/types.ts";
import { readBreaker } from "../../src/rails/breaker.ts";
import { CapReached, Killed } from "../../src/rails/halt.ts";
import { startChild } from "../support/child.ts";
import { alerts, counters, entries, states, testRails, thrown } from "../support/rails.ts";
import type { RailsOptions } from "../support/rails-on.ts";
import { chainConfig, PRICES } from "./chain-config.ts";

const CHILD = fileURLToPath(new URL("chain-child.ts", import.meta.url));
const REQUEST: ModelRequest = {
  messages: [
    { role: "system", content: "You write short summaries." },
    { role: "user", content: "The harbour of Aarhus is open. Ships may enter. Pilots are on duty." },
  ],
};
const MINUTE = 60_000;
const DOWN: Behaviour = { type: "error", status: 500 };
const CUT_OFF: Behaviour = { type: "lengthTruncated", text: "The harbour of" };

interface Harness {
  rails: Awaited<ReturnType<typeof testRails>>;
  ollama: ModelEndpoint;
  openai: ModelEndpoint;
  anthropic: ModelEndpoint;
  complete(options?: Partial<CompleteOptions>, request?: ModelRequest): Promise<Completion>;
  requests(): [ollama: number, openai: number, anthropic: number];
}

async function harness(
  chain: string[],
  options: { rails?: RailsOptions; models?: Partial<ModelsConfig> } = {},
): Promise<Harness> {
  const rails = await testRails(options.rails);
  const [ollama, openai, anthropic] = await Promise.all([
    startModelEndpoint("ollama"),
    startModelEndpoint("openai"),
    startModelEndpoint("anthropic"),
  ]);
  for (const server of [ollama, openai, anthropic]) onTestFinished(() => server.close());
  const urls = { ollama: ollama.url, openai: openai.url, anthropic: anthropic.url };
  const made = createChain(rails, chainConfig(chain, urls, options.models));
  return {
    rails,
    ollama,
    openai,
    anthropic,
    complete: (more = {}, request = REQUEST) =>
      made.complete(request, { scope: { tick: null, job: null }, log: rails.log, ...more }),
    requests: () => [ollama.requests.length, openai.requests.length, anthropic.requests.length],
  };
}

describe("a reply of another model than was asked", () => {
  const BY_DEAR: Behaviour[] = [
    {
      type: "raw",
      body: JSON.stringify({
        model: "dear",
        choices: [{ message: { content: "A summary." }, finish_reason: "stop" }],
        usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 },
      }),
    },
    {
      type: "raw",
      body: JSON.stringify({
        model: "dear",
        content: [{ type: "text", text: "A summary." }],
        stop_reason: "end_turn",
        usage: { input_tokens: 10, output_tokens: 5 },
      }),
    },
  ];

  it.each([
    ["openai", BY_DEAR[0]],
    ["anthropic", BY_DEAR[1]],
  ] as const)("costs the dearer of the two prices: %s", async (name, reply) => {
    const prices = { ...PRICES, [`${name}/dear`]: { input: 100, output: 400 } };
    const made = await harness([`${name}/test`], { models: { prices } });
    made[name].script([reply!]);
    expect(await made.complete()).toMatchObject({ text: "A summary.", costMicros: 3_000 });
    expect(await entries(made.rails)).toMatchObject([{ state: "settled", cost_micros: 3_000 }]);
  });

  it.each([
    ["openai", BY_DEAR[0]],
    ["anthropic", BY_DEAR[1]],
  ] as const)(
    "costs what nobody knows where that one has no price, and there is no other: %s",
    async (name, reply) => {
      const made = await harness([`${name}/test`]);
      made[name].script([reply!]);
      expect(await thrown(made.complete())).toMatchObject({
        message: expect.stringContaining(`"${name}/dear": { input`),
      });
      expect(await entries(made.rails)).toMatchObject([{ state: "unknown" }]);
      expect(await readBreaker(made.rails.store.db, `model:${name}/test`)).toMatchObject({ state: "open" });
    },
  );
});

describe("the first model of the chain", () => {
  it("answers, and the others are not asked", async () => {
    const { complete, requests, rails } = await harness(["openai/test", "ollama/test", "extractive"]);
    const completion = await complete({ scope: { tick: "t", job: "j" }, step: "lead", runner: "me" });
    expect(completion).toMatchObject({ model: "openai/test", degraded: false });
    expect(requests()).toEqual([0, 1, 0]);
    expect(await entries(rails)).toMatchObject([
      {
        model: "openai/test",
        state: "settled",
        degraded: 0,
        cost_micros: completion.costMicros,
        tick: "t",
        job: "j",
        step: "lead",
        runner: "me",
      },
    ]);
    expect(rails.logged.map(({ event }) => event)).toEqual(["call_done"]);
  });

  it.each(["openai", "anthropic"] as const)(
    "costs what %s puts on its own bill, and less than was reserved",
    async (provider) => {
      const made = await harness([`${provider}/test`]);
      const { costMicros } = await made.complete();
      const { input, output } = PRICES[`${provider}/test`];
      const bill = made[provider].billMicros({ input, output, cacheRead: input, cacheWrite: input });
      expect(costMicros).toBeGreaterThanOrEqual(bill);
      expect(costMicros - bill).toBeLessThanOrEqual(1);
      expect((await entries(made.rails))[0]?.estimate_micros).toBeGreaterThan(costMicros);
    },
  );

  it("is asked for no more tokens than the configuration allows, whatever the caller wants", async () => {
    const { complete, openai } = await harness(["openai/test"]);
    for (const maxOutputTokens of [50, 100, 5_000, Number.MAX_SAFE_INTEGER])
      await complete({}, { ...REQUEST, maxOutputTokens });
    expect(openai.requests.map(({ json }) => json.max_tokens)).toEqual([50, 100, 100, 100]);
  });

  it("keeps what it was paid for in the transaction that settles it", async () => {
    const { complete, rails } = await harness(["openai/test"]);
    const recorded: unknown[] = [];
    const completion = await complete({
      async record(trx, value) {
        recorded.push(value, (await trx.selectFrom("ledger").select("state").execute())[0]?.state);
      },
    });
    expect(recorded).toEqual([completion, "settled"]);
    expect(await states(rails)).toEqual(["settled"]);
  });
});

describe("a model that fails", () => {
  it.each<[string, Behaviour, string]>([
    ["answers with its own error", DOWN, "unknown"],
    ["refuses the key", { type: "error", status: 401 }, "released"],
    ["refuses the request", { type: "error", status: 400 }, "unknown"],
    ["is behind a broken proxy", { type: "html", status: 502 }, "unknown"],
    ["resets the connection", { type: "reset" }, "unknown"],
    ["sends half a reply", { type: "cut", pieces: 1 }, "unknown"],
    ["leaves out its usage", { type: "missingUsage" }, "unknown"],
    ["sends nonsense", { type: "malformed" }, "unknown"],
    ["cuts its reply off", CUT_OFF, "settled"],
    ["says nothing", { type: "emptyText" }, "settled"],
  ])("since it %s gives way to the next one", async (_name, behaviour, state) => {
    const { complete, rails, openai, requests } = await harness(["openai/test", "ollama/test"]);
    openai.script([behaviour]);
    expect(await complete()).toMatchObject({ model: "ollama/test", degraded: true });
    expect(requests()).toEqual([1, 1, 0]);
    expect(await entries(rails)).toMatchObject([
      { model: "openai/test", state, degraded: 0 },
      { model: "ollama/test", state: "settled", degraded: 1 },
    ]);
    const fallback = rails.logged.find(({ event }) => event === "fallback_used");
    expect(fallback).toMatchObject({ level: "warn", fields: { model: "ollama/test" } });
    expect(await countersAgree(rails.store.db)).toEqual([]);
  });

  it("and whose server is not there costs nothing", async () => {
    const rails = await testRails();
    const chain = createChain(rails, chainConfig(["openai/test", "extractive"], {}));
    const completion = await chain.complete(REQUEST, { scope: { tick: null, job: null }, log: rails.log });
    expect(completion).toMatchObject({ model: "extractive", degraded: true, costMicros: 0 });
    expect(await states(rails)).toEqual(["released"]);
  });

  it("having cut its reply off is charged what that cost, and the next one is asked", async () => {
    const { complete, rails, openai } = await harness(["openai/test", "anthropic/test"]);
    openai.script([CUT_OFF]);
    const completion = await complete();
    const [cutOff] = await entries(rails);
    expect(cutOff).toMatchObject({ state: "settled", error: expect.stringContaining("max_output_tokens") });
    const bill = openai.billMicros({ input: 1, output: 4, cacheRead: 1, cacheWrite: 1 });
    expect(cutOff?.cost_micros).toBe(bill);
    expect(Object.values(await counters(rails, "day"))).toEqual([`${bill + completion.costMicros}/0`]);
  });

  it("is asked in the stated order, each once, and the last may be the summariser", async () => {
    const { complete, openai, anthropic, ollama, requests } = await harness([
      "anthropic/test",
      "openai/test",
      "ollama/test",
      "extractive",
    ]);
    for (const server of [openai, anthropic, ollama]) server.otherwise(DOWN);
    expect(await complete()).toMatchObject({ model: "extractive", degraded: true });
    expect(requests()).toEqual([1, 1, 1]);
  });
});

describe("a reply whose figures say nothing", () => {
  const RAW = (more: object): Behaviour => ({
    type: "raw",
    body: JSON.stringify({ choices: [{ message: { content: "Open." }, finish_reason: "stop" }], ...more }),
  });
  const CONTRADICTION = { usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 3 } };
  const FREE = { models: { prices: { "openai/test": { input: 0, output: 0 } } } };

  it.each([
    ["no usage", {}],
    ["usage null", { usage: null }],
    ["a contradiction", CONTRADICTION],
  ])("with %s is the answer of a model that costs nothing, its tokens uncounted", async (_, more) => {
    const { complete, rails, openai } = await harness(["openai/test"], FREE);
    openai.script([RAW(more)]);
    expect(await complete()).toMatchObject({ text: "Open.", costMicros: 0 });
    expect(await entries(rails)).toMatchObject([
      { state: "settled", cost_micros: 0, input_tokens: null, output_tokens: null },
    ]);
  });

  it.each([
    ["no usage", {}, "it does not say how many tokens the call took"],
    ["a contradiction", CONTRADICTION, "it counts fewer tokens in all than prompt and completion have"],
  ])("with %s is charged at its worst case where it may cost something", async (_, more, because) => {
    const { complete, rails, openai } = await harness(["openai/test", "extractive"]);
    openai.script([RAW(more)]);
    expect(await complete()).toMatchObject({ model: "extractive" });
    expect(await entries(rails)).toMatchObject([
      { state: "unknown", cost_micros: null, error: expect.stringContaining(because) },
    ]);
    expect(await readBreaker(rails.store.db, "model:openai/test")).toMatchObject({
      state: "closed",
      failures: 1,
    });
  });

  it("but the tier is the answer of a model that costs nothing, its tokens counted", async () => {
    const { complete, rails, openai } = await harness(["openai/test"], FREE);
    openai.script([RAW({ service_tier: "priority", usage: { prompt_tokens: 10, completion_tokens: 5 } })]);
    expect(await complete()).toMatchObject({ text: "Open.", costMicros: 0 });
    expect(await entries(rails)).toMatchObject([{ state: "settled", cost_micros: 0, input_tokens: 10 }]);
  });

  it.each<[string, object, object]>([
    ["another tier", { service_tier: "priority" }, {}],
    ["a cheaper tier", { service_tier: "flex" }, {}],
    ["a tool that ran at the provider", {}, { server_tool_use: { web_search_requests: 1 } }],
    ["audio", {}, { completion_tokens_details: { audio_tokens: 1 } }],
  ])(
    "that tells of %s opens the breaker, since the next may cost more than is reserved",
    async (_, more, usage) => {
      const { complete, rails, openai } = await harness(["openai/gpt-5.4", "extractive"]);
      openai.otherwise(RAW({ ...more, usage: { prompt_tokens: 10, completion_tokens: 5, ...usage } }));
      await complete();
      await complete();
      expect(openai.requests).toHaveLength(1);
      expect(await readBreaker(rails.store.db, "model:openai/gpt-5.4")).toMatchObject({ state: "open" });
      expect(await states(rails)).toEqual(["unknown"]);
    },
  );
});

describe("a reply of more tokens than were asked for", () => {
  const ABOVE: Behaviour = { type: "reply", usage: { inputTokens: 10, outputTokens: 101 } };

  it.each<[string, Behaviour]>([
    ["that is used", ABOVE],
    [
      "that is of no use",
      {
        type: "raw",
        body: JSON.stringify({ choices: [], usage: { prompt_tokens: 10, completion_tokens: 101 } }),
      },
    ],
  ])("%s blocks its model, although it cost less than was reserved", async (_, reply) => {
    const { complete, rails, openai } = await harness(["openai/test", "extractive"]);
    openai.otherwise(reply);
    await complete();
    await complete();
    expect(openai.requests).toHaveLength(1);
    expect(await entries(rails)).toMatchObject([{ state: "settled", cost_micros: 414 }]);
    const reason = "openai/test billed a reply of 101 tokens, more than the 100 that bounded it";
    expect(await readBreaker(rails.store.db, "model:openai/test")).toMatchObject({
      state: "blocked",
      reason,
    });
    expect((await alerts(rails)).map(({ event }) => event)).toEqual(["overrun", "breaker_open"]);
    expect(await countersAgree(rails.store.db)).toEqual([]);
  });

  it.each([
    ["as many as were asked for", { inputTokens: 10, outputTokens: 100 }, PRICES["openai/test"]],
    ["a model that costs nothing", { inputTokens: 10, outputTokens: 101 }, { input: 0, output: 0 }],
  ])("does not where it is %s", async (_, usage, price) => {
    const models = { prices: { ...PRICES, "openai/test": price } };
    const { complete, rails, openai } = await harness(["openai/test"], { models });
    openai.otherwise({ type: "reply", usage });
    await complete();
    expect(await alerts(rails)).toEqual([]);
    expect(await readBreaker(rails.store.db, "model:openai/test")).toMatchObject({ state: "closed" });
  });
});

describe("a reply that is cut off behind a sentence", () => {
  it("is the answer, marked in what the caller gets and in the log", async () => {
    const { complete, rails, openai } = await harness(["openai/test"]);
    openai.script([{ type: "lengthTruncated", text: "The harbour is open. Ships m" }, { type: "reply" }]);
    expect(await complete()).toMatchObject({ text: "The harbour is open.", truncated: true });
    expect(await complete()).not.toHaveProperty("truncated");
    expect(await states(rails)).toEqual(["settled", "settled"]);
    const [cut, whole] = rails.logged.filter(({ event }) => event === "call_done");
    expect(cut?.fields).toMatchObject({ truncated: true });
    expect(whole?.fields).not.toHaveProperty("truncated");
  });
});

describe("five failures in a row", () => {
  it("open the breaker: the sixth call makes no request, and after the cooldown one probe does", async () => {
    const { complete, rails, ollama, requests } = await harness(["ollama/test", "extractive"]);
    ollama.otherwise(DOWN);
    for (let n = 0; n < 5; n++) await complete();
    expect(await alerts(rails)).toMatchObject([{ event: "breaker_open" }]);
    rails.logged.length = 0;
    expect(await complete()).toMatchObject({ model: "extractive", degraded: true });
    expect(requests()).toEqual([5, 0, 0]);
    // Told of when it opened; the rest of the night need not be told at every call.
    expect(rails.logged).toMatchObject([{ level: "debug", event: "fallback_used" }]);
    rails.clock.advance(5 * MINUTE);
    await complete();
    await complete();
    expect(requests()).toEqual([6, 0, 0]);
    rails.clock.advance(10 * MINUTE);
    ollama.otherwise({ type: "reply" });
    expect(await complete()).toMatchObject({ model: "ollama/test", degraded: false });
    expect((await alerts(rails)).map(({ event }) => event)).toEqual(["breaker_open", "breaker_closed"]);
  });

  it("do so across processes that make one call each, and one of them probes", {
    timeout: 60_000,
  }, async () => {
    const { rails, ollama } = await harness([]);
    ollama.otherwise(DOWN);
    const outcomeOf = async (laterMs = 0) =>
      await (await startChild(CHILD, [rails.dir, ollama.url, String(laterMs)])).go();
    for (let n = 0; n < 6; n++) expect(await outcomeOf()).toMatchObject({ code: "model_unavailable" });
    expect(ollama.requests).toHaveLength(5);
    ollama.otherwise({ type: "reply" });
    expect(await outcomeOf(5 * MINUTE - 1)).toMatchObject({ code: "model_unavailable" });
    expect(ollama.requests).toHaveLength(5);
    expect(await outcomeOf(5 * MINUTE)).toBe("answered");
    expect(ollama.requests).toHaveLength(6);
    expect(await alerts(rails, "breaker_closed")).toHaveLength(1);
  });

  it("of replies that are cut off open it too", async () => {
    const { complete, rails, openai } = await harness(["openai/test", "extractive"]);
    openai.otherwise(CUT_OFF);
    for (let n = 0; n < 6; n++) await complete();
    expect(openai.requests).toHaveLength(5);
    expect(await readBreaker(rails.store.db, "model:openai/test")).toMatchObject({ state: "open" });
  });
});

describe("when no model could answer", () => {
  const unavailable = async (made: Harness) => {
    const error = await thrown(made.complete());
    expect(error).toBeInstanceOf(ModelUnavailable);
    return error as ModelUnavailable;
  };

  it("says what was wrong with each, and lets the queue try again", async () => {
    const made = await harness(["openai/test", "ollama/test"]);
    made.openai.otherwise(DOWN);
    made.ollama.otherwise({ type: "error", status: 404, message: "model 'test' not found" });
    const error = await unavailable(made);
    expect(error).toMatchObject({ code: "model_unavailable", retry: "later", exitCode: 69 });
    expect(error.message).toContain("openai/test answered 500");
    expect(error.message).toContain("ollama pull test");
  });

  it("does not try again what all of them refuse for what it is", async () => {
    const made = await harness(["openai/test", "anthropic/test"]);
    for (const server of [made.openai, made.anthropic]) server.otherwise({ type: "error", status: 400 });
    expect(await unavailable(made)).toMatchObject({ code: "model_unusable", retry: "never", exitCode: 1 });
  });

  it("waits for one that is down when all others refuse what they are asked", async () => {
    const made = await harness(["openai/test", "anthropic/test"]);
    made.openai.otherwise(DOWN);
    made.anthropic.otherwise({ type: "error", status: 400 });
    expect(await unavailable(made)).toMatchObject({
      code: "model_unavailable",
      retry: "later",
      exitCode: 69,
    });
  });

  it.each([402, 404, 405, 410, 413, 422])(
    "takes a %i for a refusal, and not for an outage",
    async (status) => {
      const made = await harness(["openai/test"]);
      made.openai.otherwise({ type: "error", status });
      expect(await unavailable(made)).toMatchObject({ code: "model_unusable", exitCode: 1 });
    },
  );

  it.each([401, 403, 408, 409, 425, 429, 500, 502, 503, 504])(
    "takes a %i for an outage, and not for a refusal",
    async (status) => {
      const made = await harness(["openai/test"]);
      made.openai.otherwise({ type: "error", status });
      expect(await unavailable(made)).toMatchObject({ code: "model_unavailable", exitCode: 69 });
    },
  );

  it.each<[string, Behaviour]>([
    ["an error under 200", { type: "errorUnder200" }],
    ["a page of something in between", { type: "html", status: 200 }],
  ])("takes %s for an outage: the model has not answered", async (_, behaviour) => {
    for (const reference of ["openai/test", "anthropic/test", "ollama/test"]) {
      const made = await harness([reference]);
      for (const server of [made.openai, made.anthropic, made.ollama]) server.otherwise(behaviour);
      expect(await unavailable(made), reference).toMatchObject({ code: "model_unavailable", exitCode: 69 });
    }
  });

  it("counts a reply that is of no use as no outage: asking again costs as much again", async () => {
    const made = await harness(["openai/test"]);
    made.openai.otherwise(CUT_OFF);
    expect(await unavailable(made)).toMatchObject({ code: "model_unusable", exitCode: 1 });
  });

  it("tries again once the first of those that ask for a pause has had it", async () => {
    const made = await harness(["openai/test", "anthropic/test"]);
    made.openai.otherwise({ type: "error", status: 429, headers: { "retry-after": "90" } });
    made.anthropic.otherwise({ type: "error", status: 429, headers: { "retry-after": "30" } });
    expect(await unavailable(made)).toMatchObject({ retry: { afterMs: 30_000 }, exitCode: 69 });
  });

  it("tries again as usual while one of them asks for no pause", async () => {
    const made = await harness(["openai/test", "anthropic/test"]);
    made.openai.otherwise({ type: "error", status: 429, headers: { "retry-after": "90" } });
    made.anthropic.otherwise(DOWN);
    expect(await unavailable(made)).toMatchObject({ retry: "later", exitCode: 69 });
  });

  it("waits for the first probe when the breakers of all are open", async () => {
    const made = await harness(["openai/test", "anthropic/test"]);
    made.openai.otherwise({ type: "error", status: 401 });
    made.anthropic.otherwise(DOWN);
    expect(await unavailable(made)).toMatchObject({ retry: "later", exitCode: 69 });
    made.anthropic.otherwise({ type: "error", status: 401 });
    await unavailable(made);
    made.rails.clock.advance(MINUTE);
    expect(await unavailable(made)).toMatchObject({ retry: { afterMs: 4 * MINUTE }, exitCode: 69 });
    expect(made.requests()).toEqual([0, 1, 2]);
  });
});

describe("a cap that refuses", () => {
  const full = { rails: { budget: { day_micros: 10 } } };

  it("is a halt: no other model is asked, free or not", async () => {
    const { complete, requests, rails } = await harness(["openai/test", "ollama/test", "extractive"], full);
    const error = await thrown(complete());
    expect(error).toBeInstanceOf(CapReached);
    expect(error).toMatchObject({ exitCode: 0 });
    expect(requests()).toEqual([0, 0, 0]);
    expect(await alerts(rails, "cap_hit")).toHaveLength(1);
  });

  it("goes on with what costs nothing where that is asked for, and with nothing else", async () => {
    const { complete, requests, rails } = await harness(["openai/test", "anthropic/test", "ollama/test"], {
      ...full,
      models: { onCap: "fallback" },
    });
    expect(await complete()).toMatchObject({ model: "ollama/test", degraded: true, costMicros: 0 });
    expect(requests()).toEqual([1, 0, 0]);
    expect(rails.logged.find(({ event }) => event === "fallback_used")).toMatchObject({ level: "warn" });
  });

  it("does not swap the model for a cheaper one that the cap still has room for", async () => {
    const { complete, requests } = await harness(["anthropic/test", "openai/test", "ollama/test"], {
      rails: { budget: { day_micros: 1_200 } },
      models: { onCap: "fallback" },
    });
    expect(await complete()).toMatchObject({ model: "ollama/test" });
    expect(requests()).toEqual([1, 0, 0]);
  });

  it("is still a halt when nothing that is free could answer", async () => {
    const { complete, ollama } = await harness(["openai/test", "ollama/test"], {
      ...full,
      models: { onCap: "fallback" },
    });
    ollama.otherwise(DOWN);
    expect(await thrown(complete())).toBeInstanceOf(CapReached);
  });

  it("of 0 refuses a local model before it is asked, and alerts", async () => {
    const { complete, requests, rails } = await harness(["ollama/test"], {
      rails: { budget: { day_micros: 0 } },
    });
    expect(await thrown(complete())).toMatchObject({ code: "cap_hit", window: "day" });
    expect(requests()).toEqual([0, 0, 0]);
    expect(rails.logged).toMatchObject([{ event: "cap_hit" }]);
    expect(await alerts(rails)).toMatchObject([{ event: "cap_hit" }]);
  });

  it("of 0 does not touch the summariser, which passes no gate and leaves no entry", async () => {
    const { complete, rails } = await harness(["extractive"], { rails: { budget: { day_micros: 0 } } });
    const recorded: Completion[] = [];
    const completion = await complete({ record: async (_trx, value) => void recorded.push(value) });
    expect(completion).toMatchObject({ model: "extractive", degraded: false, costMicros: 0 });
    expect(completion.text).toContain("harbour of Aarhus");
    expect(recorded).toEqual([completion]);
    expect(await entries(rails)).toEqual([]);
    expect(await alerts(rails)).toEqual([]);
  });

  it("counts what an earlier model of the same completion has cost", async () => {
    const made = await harness(["openai/test", "anthropic/test"], {
      rails: { budget: { job_micros: 2_100 } },
    });
    made.openai.otherwise({ type: "reset" });
    expect(await thrown(made.complete({ scope: { tick: null, job: "j" } }))).toMatchObject({ window: "job" });
    expect(made.requests()).toEqual([0, 1, 0]);
  });
});

it.each(["openai/no-such-model", "ollama/gpt-oss:120b-cloud", "anthropic/unheard-of"])(
  "refuses %s, whose price is not known, before any model is asked",
  async (reference) => {
    const rails = await testRails();
    const server = await startModelEndpoint("ollama");
    onTestFinished(() => server.close());
    const config = chainConfig(["ollama/test", reference], { ollama: server.url });
    expect(() => createChain(rails, config)).toThrow(
      expect.objectContaining({ code: "unpriced_model", exitCode: 78 }),
    );
    expect(server.requests).toEqual([]);
    expect(await entries(rails)).toEqual([]);
  },
);

describe("a request whose cost has no bound", () => {
  const image = [{ type: "image_url", image_url: { url: "https://example.org/large.png" } }];

  it.each([
    ["with an image", { messages: [{ role: "user", content: image }] }],
    ["without a text", { messages: [{ role: "user" }] }],
    ["with a bound that is no number", { ...REQUEST, maxOutputTokens: Number.NaN }],
    ["with a bound of nothing", { ...REQUEST, maxOutputTokens: 0 }],
    ["with a bound below nothing", { ...REQUEST, maxOutputTokens: -5 }],
  ])("%s is refused before it is made", async (_name, request) => {
    const { complete, requests, rails } = await harness(["openai/test", "ollama/test", "anthropic/test"]);
    expect(await thrown(complete({}, request as ModelRequest))).toMatchObject({
      code: "bad_model_request",
      retry: "never",
    });
    expect(requests()).toEqual([0, 0, 0]);
    expect(await entries(rails)).toEqual([]);
  });

  it("does not get past by fields that the request has besides", async () => {
    const { complete, openai } = await harness(["openai/test"]);
    const sneaky = { role: "user", content: "Summarise.", images: ["aGk="], audio: {}, tools: [] };
    await complete({}, { messages: [sneaky], n: 50, tools: [{ type: "web_search" }] } as ModelRequest);
    expect(openai.requests[0]?.json).toMatchObject({
      n: 1,
      messages: [{ role: "user", content: "Summarise." }],
    });
    expect(Object.keys(openai.requests[0]?.json ?? {})).not.toContain("tools");
    expect(openai.requests[0]?.body).not.toMatch(/images|audio/);
  });
});

describe("calls to one provider", () => {
  it("are made side by side where the provider has a queue of its own", async () => {
    const made = await harness(["openai/test"]);
    const all = Promise.withResolvers<void>();
    let atOnce = 0;
    made.openai.otherwise({
      type: "slow",
      text: "word",
      gate: async () => {
        if (++atOnce === 4) all.resolve();
        await all.promise;
      },
    });
    // They would wait for each other for ever if one had to end before the next.
    await Promise.all(Array.from({ length: 4 }, () => made.complete()));
    expect(made.openai.requests).toHaveLength(4);
  });

  it("are made one at a time where it has none, as Ollama", async () => {
    const made = await harness(["ollama/test"]);
    let [atOnce, most] = [0, 0];
    made.ollama.otherwise({
      type: "slow",
      text: "word",
      gate: async (piece) => {
        if (piece === 0) most = Math.max(most, ++atOnce);
        await new Promise((resolve) => setImmediate(resolve));
        if (piece === 1) atOnce -= 1;
      },
    });
    await Promise.all(Array.from({ length: 8 }, () => made.complete()));
    expect(made.ollama.requests).toHaveLength(8);
    expect(most).toBe(1);
  });

  it("pass the gates only when it is their turn: what waits reserves nothing", async () => {
    const made = await harness(["ollama/test"]);
    const open = Promise.withResolvers<void>();
    made.ollama.otherwise({ type: "slow", text: "word", gate: () => open.promise });
    const calls = [made.complete(), made.complete(), made.complete()];
    await made.ollama.request(1);
    expect(await states(made.rails)).toEqual(["sending"]);
    open.resolve();
    await Promise.all(calls);
    expect(await states(made.rails)).toEqual(["settled", "settled", "settled"]);
  });
});

describe("in the middle of a reply", () => {
  const half: Behaviour = { type: "stall", pieces: 2 };

  it("a kill ends the call, the next model is not asked, and what waits is not sent", {
    timeout: 10_000,
  }, async () => {
    const made = await harness(["ollama/test", "openai/test", "extractive"]);
    made.ollama.otherwise(half);
    const [first, second] = [thrown(made.complete()), thrown(made.complete())];
    const request = await made.ollama.request(1);
    writeFileSync(made.rails.stopFile, "");
    expect(await first).toBeInstanceOf(Killed);
    expect(await second).toBeInstanceOf(Killed);
    await request.closed;
    expect(await thrown(made.complete())).toBeInstanceOf(Killed);
    expect(made.requests()).toEqual([1, 0, 0]);
    expect(await states(made.rails)).toEqual(["unknown"]);
  });

  it("the caller's abort ends it in the caller's words, and no other model is asked", async () => {
    const made = await harness(["ollama/test", "openai/test", "extractive"]);
    made.ollama.otherwise(half);
    const stop = new AbortController();
    const call = made.complete({ signal: stop.signal });
    const request = await made.ollama.request(1);
    const reason = new Error("the job's time is up");
    stop.abort(reason);
    expect(await thrown(call)).toBe(reason);
    await request.closed;
    expect(made.requests()).toEqual([1, 0, 0]);
    expect(await readBreaker(made.rails.store.db, "model:ollama/test")).toEqual({
      state: "closed",
      failures: 0,
    });
  });

  it("the provider's own time limit is a failure, and the next model is asked", async () => {
    const made = await harness(["ollama/test", "extractive"], { models: { timeoutMs: 300 } });
    made.ollama.otherwise(half);
    expect(await made.complete()).toMatchObject({ model: "extractive", degraded: true });
    expect(await states(made.rails)).toEqual(["unknown"]);
    expect(await readBreaker(made.rails.store.db, "model:ollama/test")).toEqual({
      state: "closed",
      failures: 1,
    });
  });
});

it("asks nobody for a caller that is gone already, not even the summariser", async () => {
  const made = await harness(["ollama/test", "extractive"]);
  const reason = new Error("gone");
  expect(await thrown(made.complete({ signal: AbortSignal.abort(reason) }))).toBe(reason);
  const offline = await harness(["extractive"]);
  expect(await thrown(offline.complete({ signal: AbortSignal.abort(reason) }))).toBe(reason);
  offline.rails.watch.trip({ by: "signal", at: 0, reason: "SIGTERM" });
  expect(await thrown(offline.complete())).toBeInstanceOf(Killed);
  expect(made.requests()).toEqual([0, 0, 0]);
});
