// @module-tag processes
import { copyFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { startModelEndpoint } from "../../src/faults/model-endpoint.ts";
import { type Deployment, deployment, PROCESSES } from "../support/afk.ts";

const KEY = "a-key-of-the-laptop-that-nobody-guesses";

it(
  "a gateway that begins on an older copy of its database spends nothing, and says why",
  PROCESSES,
  async () => {
    const provider = await startModelEndpoint("openai");
    onTestFinished(() => provider.close());
    const target = deployment({
      agent: "test-agent",
      budget: { daily_cap_usd: 1 },
      models: {
        chain: ["extractive"],
        providers: { openai: { base_url: `${provider.url}/v1`, api_key: "sk-of-the-owner-0123456789" } },
        prices: { "openai/test": { input: 1, output: 1 } },
      },
      gateway: {
        listen: "127.0.0.1:0",
        models: { small: "openai/test" },
        clients: [{ name: "laptop", key: KEY }],
      },
    });
    const database = join(target.state, "afk.db");
    const older = join(target.dir, "older.db");
    await served(target, async () => {});
    copyFileSync(database, older);
    await served(target, async (url) => expect((await ask(url)).status).toBe(200));

    for (const name of ["", "-wal", "-shm"]) rmSync(`${database}${name}`, { force: true });
    copyFileSync(older, database);
    await served(target, async (url) => {
      const refused = await ask(url);
      expect(refused.status).toBe(403);
      expect(await refused.text()).toContain("the database is an older copy");
    });
    expect(target.query("select event from alerts where event = 'state_rolled_back'")).toHaveLength(1);
    expect(provider.requests).toHaveLength(1);
  },
);

/** Starts a gateway, and ends it as its service does. */
async function served(target: Deployment, use: (url: string) => Promise<void>): Promise<void> {
  const running = target.start(["gateway"]);
  await running.logged("gateway_started");
  await use(String(target.logs().findLast(({ event }) => event === "gateway_started")?.url));
  running.kill("SIGTERM");
  await running.ended;
}

function ask(url: string): Promise<Response> {
  return fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json" },
    body: JSON.stringify({ model: "small", max_tokens: 50, messages: [{ role: "user", content: "hi" }] }),
  });
}
