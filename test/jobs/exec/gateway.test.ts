// @module-tag processes
import { describe, expect, test } from "vitest";
import type { RunGateway } from "../../../src/jobs/job.ts";
import { RunCapped } from "../../../src/rails/halt.ts";
import { harness } from "../containment/harness.ts";

const sh = (script: string) => ["sh", "-c", script];

interface FakeGateway extends RunGateway {
  isClosed: boolean;
  stop(reason: RunCapped): void;
}

/** A gateway that says what a test tells it to. */
function fakeGateway(said: { requests?: number; refusedBy?: RunCapped } = {}): FakeGateway {
  const stopped = new AbortController();
  return {
    url: "http://127.0.0.1:40123",
    service: { port: 40123, accept: () => undefined },
    key: "sk-afk-Key0fTheRun",
    maxOutputTokens: 32_000,
    aliases: ["small"],
    requests: () => said.requests ?? 1,
    costMicros: async () => 0,
    refusedBy: () => said.refusedBy ?? null,
    signal: stopped.signal,
    isClosed: false,
    stop: (reason) => stopped.abort(reason),
    async [Symbol.asyncDispose]() {
      this.isClosed = true;
    },
  };
}

describe("a run with a gateway", () => {
  test("finds addresses, key and settings of every known client in its environment, and nothing on its input", async () => {
    const at = harness();
    const gateway = fakeGateway({ requests: 2 });
    const result = await at.run(sh('env; cat "$CODEX_HOME/config.toml"; cat > input'), {
      settings: { gateway: true, publish: true },
      gateway,
    });
    const printed = [...at.last().files.values()].join("");
    const lines = printed.split("\n");
    const url = "http://127.0.0.1:40123";
    for (const line of [
      `AFK_GATEWAY=${url}`,
      `AFK_KEY=${gateway.key}`,
      `ANTHROPIC_BASE_URL=${url}`,
      `ANTHROPIC_AUTH_TOKEN=${gateway.key}`,
      `ANTHROPIC_API_KEY=${gateway.key}`,
      `ANTHROPIC_API_URL=${url}`,
      `OPENAI_BASE_URL=${url}/v1`,
      `OPENAI_API_BASE=${url}/v1`,
      `OPENAI_API_KEY=${gateway.key}`,
      `OLLAMA_HOST=${url}`,
      `OLLAMA_API_BASE=${url}`,
      `OLLAMA_BASE_URL=${url}/k/${gateway.key}/v1`,
      `OLLAMA_API_KEY=${gateway.key}`,
      "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1",
      "CLAUDE_CODE_DISABLE_NONSTREAMING_FALLBACK=1",
      "CLAUDE_CODE_GATEWAY_HINT_HEADERS=1",
      "CLAUDE_CODE_MAX_OUTPUT_TOKENS=32000",
      'model_provider = "afk"',
      'web_search = "disabled"',
      `base_url = "${url}/v1"`,
      'env_key = "AFK_KEY"',
      'wire_api = "responses"',
    ])
      expect(lines).toContain(line);
    const opencode = lines.find((line) => line.startsWith("OPENCODE_CONFIG_CONTENT="))!;
    expect(JSON.parse(opencode.slice(opencode.indexOf("=") + 1)).provider).toMatchObject({
      openai: { options: { baseURL: `${url}/v1`, apiKey: gateway.key } },
      afk: { models: { small: {} } },
    });
    expect(result.summary).toMatch(/, 2 requests at its gateway$/);
    // What stands on its input an agent would take for a part of its task.
    expect(at.read("input")).toBe("");
    expect(gateway.isClosed).toBe(true);
  });

  test("is told of when it ended and had asked nothing", async () => {
    const at = harness();
    const result = await at.run(["true"], {
      settings: { gateway: true },
      gateway: fakeGateway({ requests: 0 }),
    });
    expect(result.summary).toMatch(/no request at its gateway/);
    expect(at.last().events).toContainEqual({ event: "gateway_unused", fields: { name: "work" } });
  });

  test("that fails after its last request was refused by a cap waits for room, which is no failure", async () => {
    const at = harness();
    const gateway = fakeGateway({ refusedBy: new RunCapped("the cap of a day is reached", 60_000) });
    const running = at.run(sh("echo no money >&2; exit 1"), { settings: { gateway: true }, gateway });
    await expect(running).rejects.toMatchObject({
      code: "cap_hit",
      retry: { afterMs: 60_000 },
      exitCode: 0,
      message:
        "job work: sh exited with 1: no money; its last request was refused: the cap of a day is reached",
    });
    expect(gateway.isClosed).toBe(true);
  });

  test("that ends well although a request was refused is done", async () => {
    const gateway = fakeGateway({ refusedBy: new RunCapped("the cap of a day is reached", 60_000) });
    await expect(harness().run(["true"], { settings: { gateway: true }, gateway })).resolves.toMatchObject({
      units: 1,
    });
  });

  test("that goes on after its refusals is ended with all that it started, whatever it does about it", async () => {
    const at = harness();
    const gateway = fakeGateway();
    const running = at.run(sh("sh linger.sh & trap '' TERM; while :; do sleep 0.1; done"), {
      settings: { gateway: true },
      gateway,
    });
    running.catch(() => undefined);
    await at.lingering(1);
    gateway.stop(new RunCapped("job work was ended: it made 20 requests", 1_000));
    await expect(running).rejects.toThrow("job work was ended: it made 20 requests");
    expect(at.alive()).toEqual([]);
    expect(gateway.isClosed).toBe(true);
  });

  test("does not tell its key, nor what its env_file holds, in the words of a failure", async () => {
    const at = harness();
    const gateway = fakeGateway();
    const running = at.run(sh('echo "key=$AFK_KEY word=$WORD plain=$PLAIN" >&2; exit 1'), {
      settings: { gateway: true, env: { PLAIN: "plain" } },
      gateway,
      variables: { WORD: "correct-horse" },
    });
    await expect(running).rejects.toThrow("key=[redacted] word=[redacted] plain=plain");
  });

  test("takes what afk.yaml sets of its addresses instead", async () => {
    const at = harness();
    await at.run(sh("echo $ANTHROPIC_BASE_URL"), {
      settings: { gateway: true, publish: true, env: { ANTHROPIC_BASE_URL: "http://elsewhere" } },
      gateway: fakeGateway(),
    });
    expect([...at.last().files.values()]).toEqual(["http://elsewhere\n"]);
  });
});

test("a run without a gateway opens none", async () => {
  const at = harness();
  await at.run(sh("env"), { settings: { publish: true } });
  expect([...at.last().files.values()].join("")).not.toMatch(/GATEWAY|CODEX|ANTHROPIC|OPENAI|OLLAMA/);
});
