import { describe, expect, it, onTestFinished } from "vitest";
import { startModelEndpoint } from "../../../src/faults/model-endpoint.ts";
import type { JobContext, RunGateway } from "../../../src/jobs/job.ts";
import { harness } from "../harness.ts";

const PRICE = { input: 1, output: 2, context_window: 128_000 };
const HELLO = { messages: [{ role: "user" as const, content: "Hello. It is me. The harbour is open." }] };

async function withModels(run: (context: JobContext) => Promise<void>, job: object, more: object = {}) {
  const server = await startModelEndpoint("openai");
  onTestFinished(() => server.close());
  const made = await harness(
    async (context) => {
      await run(context);
      return undefined;
    },
    {
      models: {
        chain: ["openai/dear"],
        providers: { openai: { base_url: `${server.url}/v1`, api_key: "sk-provider" } },
        prices: { "openai/dear": PRICE, "openai/small": PRICE },
      },
      jobs: [{ name: "work", kind: "work", retry: { attempts: 1 }, ...job }],
      ...more,
    },
  );
  await made.agent.enqueue("work");
  const asked = () => server.requests.map(({ json }) => json.model);
  return { ...made, asked };
}

async function ask({ url, key }: RunGateway, model: string, content: string): Promise<{ status: number }> {
  const reply = await fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({ model, max_tokens: 20, messages: [{ role: "user", content }] }),
  });
  await reply.text();
  return { status: reply.status };
}

describe("a job with models of its own", () => {
  it("asks those, and none of models.chain", async () => {
    const { agent, asked } = await withModels(
      async (context) => void (await context.complete("ask", HELLO)),
      { models: ["openai/small"] },
    );
    expect(await agent.tick()).toMatchObject({ outcome: "ok" });
    expect(asked()).toEqual(["small"]);
  });

  it("asks those of models.chain where it has none", async () => {
    const { agent, asked } = await withModels(
      async (context) => void (await context.complete("ask", HELLO)),
      {},
    );
    expect(await agent.tick()).toMatchObject({ outcome: "ok" });
    expect(asked()).toEqual(["dear"]);
  });

  it("goes on with a free model at its cap where its own on_cap says so, and halts where that says halt", async () => {
    for (const [onCap, model, outcome] of [
      ["fallback", "extractive", "ok"],
      ["halt", undefined, "halted"],
    ] as const) {
      let answered: string | undefined;
      const { agent, asked } = await withModels(
        async (context) => {
          answered = (await context.complete("ask", HELLO)).model;
        },
        { models: ["openai/small", "extractive"], on_cap: onCap, caps: { run_usd: 0 } },
      );
      expect(await agent.tick()).toMatchObject({ outcome });
      expect(answered).toBe(model);
      expect(asked()).toEqual([]);
    }
  });

  it.each([
    ["whatever the gateway offers", {}],
    [
      "beside the aliases of the gateway",
      { gateway: { models: { big: "openai/dear", little: "openai/small" } } },
    ],
  ])("is given those alone by its gateway, %s", async (_when, more) => {
    const found: Record<string, number> = {};
    const names = ["small", "openai/small", "little", "dear", "openai/dear", "big"];
    const { agent, asked } = await withModels(
      async (context) => {
        await using gateway = await context.openGateway();
        for (const name of names) found[name] = (await ask(gateway, name, "Hello.")).status;
      },
      { models: ["openai/small"] },
      more,
    );
    expect(await agent.tick()).toMatchObject({ outcome: "ok" });
    const isAlias = "gateway" in more;
    expect(found).toEqual({
      ...{ small: 200, "openai/small": 200, little: isAlias ? 200 : 404 },
      ...{ dear: 404, "openai/dear": 404, big: 404 },
    });
    expect(new Set(asked())).toEqual(new Set(["small"]));
  });

  it.each([
    ["run_calls", { run_calls: 6 }],
    ["daily_calls", { daily_calls: 6 }],
    ["run_usd", { run_usd: 0.001 }],
    ["daily_usd", { daily_usd: 0.001 }],
    ["run_tokens", { run_tokens: 1_000 }],
    ["daily_tokens", { daily_tokens: 1_000 }],
  ])("is stopped by its own %s, whether it or its program asks", async (_name, caps) => {
    let refused: number | undefined;
    const { agent, asked, target } = await withModels(
      async (context) => {
        await using gateway = await context.openGateway();
        let halt: unknown = null;
        for (let n = 0; n < 60 && (refused === undefined || halt === null); n++) {
          const { status } = await ask(gateway, "small", `Question ${n}`);
          if (status !== 200) refused = status;
          await context.complete(`ask ${n}`, { ...HELLO, maxOutputTokens: 20 }).catch((error) => {
            halt = error;
          });
        }
        throw halt;
      },
      { models: ["openai/small"], caps },
    );
    expect(await agent.tick()).toMatchObject({ outcome: "halted" });
    expect(refused).toBe(402);
    expect(asked().length).toBeGreaterThan(1);
    expect(asked().length).toBeLessThan(30);
    if ("run_calls" in caps) expect(asked().length).toBe(6);
    expect(target.query("select state, attempts from jobs")).toEqual([{ state: "ready", attempts: 0 }]);
  });
});

describe("what a job's models may be", () => {
  const jobs = (models: unknown) => ({ jobs: [{ name: "work", kind: "work", models }] });
  it.each([
    [
      ["anthropik/claude-haiku-4-5"],
      'jobs[0].models[0]: found "anthropik/claude-haiku-4-5"; did you mean anthropic/claude-haiku-4-5?',
    ],
    [["extractive", "openai/nobody-prices-this"], "jobs[0].models[1]"],
    [[], "jobs[0].models"],
    ["small", "jobs[0].models"],
  ])("refuses %j where the file is read", async (models, message) => {
    await expect(harness(() => undefined, jobs(models))).rejects.toThrow(message);
  });

  it("asks for a cap in dollars where one costs money", async () => {
    const free = { budget: { daily_cap_calls: 5 }, ...jobs(["anthropic/claude-haiku-4-5"]) };
    await expect(harness(() => undefined, free)).rejects.toThrow("budget.daily_cap_usd: missing");
  });
});
