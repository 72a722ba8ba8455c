import { describe, expect, it } from "vitest";
import { openAgent } from "../../../src/agent.ts";
import { startModelEndpoint } from "../../../src/faults/model-endpoint.ts";
import { deployment } from "../../support/afk.ts";
import { fakeClock } from "../../support/fake-clock.ts";

const KIND = `import { section, text } from "afk-agent/jobs";
export const own = {
  kind: "own",
  settings: section("Does what it is told.", { does: text("What.", "write a word", /./) }),
  async run({ settings, payload, variables, complete, publish }) {
    if (settings.does === "ask") await complete("ask", { messages: [{ role: "user", content: "The harbour is open." }] });
    if (settings.does === "hang") await new Promise(() => undefined);
    if (settings.does === "write") publish("note.md", variables.WORD + " " + JSON.stringify(payload?.summary ?? null));
    return { units: 1, summary: "did " + settings.does };
  },
};
`;

const PRICE = { input: 1, output: 2 };

/** Runs jobs of a kind that a file under `kinds:` exports, each as its keys say, from the first that is added. */
async function runOwn(jobs: Record<string, unknown>[]) {
  const server = await startModelEndpoint("openai");
  const target = deployment({
    agent: "test-agent",
    budget: { daily_cap_usd: 1 },
    kinds: ["./kinds/own.mjs"],
    models: {
      chain: ["openai/dear"],
      providers: { openai: { base_url: `${server.url}/v1`, api_key: "sk-provider" } },
      prices: { "openai/dear": PRICE, "openai/small": PRICE },
    },
    jobs: jobs.map((job, n) => ({ name: `job-${n}`, kind: "own", retry: { attempts: 1 }, ...job })),
  });
  target.write("kinds/own.mjs", KIND);
  target.write("vars", "WORD=harbour-master\n");
  const agent = await openAgent({
    config: target.configFile,
    state: target.state,
    environment: {},
    clock: fakeClock(),
  });
  try {
    const added = await agent.enqueue("job-0").then(
      () => null,
      (error: Error) => error.message,
    );
    const result = await agent.tick();
    const dead = target.query<{ cause: string }>("select cause from dead_letters").map(({ cause }) => cause);
    const asked = server.requests.map(({ json }) => json.model);
    return { added, result, dead, asked, outputs: target.outputs(), paused: (await agent.status()).paused };
  } finally {
    await agent.close();
    await server.close();
  }
}

describe("a kind of a file under kinds:", () => {
  it("has models of its own", async () => {
    expect((await runOwn([{ does: "ask", models: ["openai/small"] }])).asked).toEqual(["small"]);
  });

  it("has caps of its own, and its own answer to them", async () => {
    const caps = { run_calls: 0 };
    expect(await runOwn([{ does: "ask", caps }])).toMatchObject({ asked: [], result: { outcome: "halted" } });
    const models = ["openai/small", "extractive"];
    const went = await runOwn([{ does: "ask", caps: { run_usd: 0 }, models, on_cap: "fallback" }]);
    expect(went).toMatchObject({ asked: [], result: { outcome: "ok" } });
  });

  it("is judged by what is expected of it", async () => {
    const expected = { file: "report-*.md" };
    expect(await runOwn([{ does: "write", expect: expected, env_file: "vars" }])).toMatchObject({
      dead: ["expectation_missed"],
      outputs: {},
    });
  });

  it("is ended when it does nothing", async () => {
    expect((await runOwn([{ does: "hang", idle_timeout: "1s" }])).dead).toEqual(["idle"]);
  });

  it("is paused", async () => {
    const { added, result, paused } = await runOwn([{ does: "ask", paused: true }]);
    expect(added).toContain("job-0 is paused");
    expect(result).toMatchObject({ outcome: "idle" });
    expect(paused).toMatchObject([{ job: "job-0", by: "afk.yaml" }]);
  });

  it("follows on another, and has the variables of its env_file", async () => {
    const jobs = [{ does: "nothing" }, { does: "write", after: ["job-0"], env_file: "vars" }];
    expect((await runOwn(jobs)).outputs).toEqual({ "note.md": 'harbour-master "did nothing"' });
  });
});
