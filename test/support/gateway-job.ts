import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { type ModelEndpoint, startModelEndpoint } from "../../src/faults/model-endpoint.ts";
import { type Deployment, deployment } from "./afk.ts";

/** USD per million tokens, as afk.yaml states them and as the provider bills. */
export const STATED = { input: 1, output: 2, context_window: 128_000 };
export const PRICE = { input: 1, output: 2, cacheRead: 1, cacheWrite: 1.25 };

/**
 * `client.mjs WORD...` asks a model once for each word, one behind the other, and writes a line of JSON to `seen` for each
 * reply: the word, the status, whether it was replayed, and the text. `prelude.mjs`, where a test has written one, runs first
 * and may change the words.
 */
const CLIENT = `import { appendFileSync, existsSync } from "node:fs";
let words = process.argv.slice(2);
const api = process.env.OPENAI_BASE_URL + "/chat/completions";
const see = (line) => appendFileSync("seen", JSON.stringify(line) + "\\n");
async function ask(word, { key = process.env.OPENAI_API_KEY, more = {} } = {}) {
  const body = JSON.stringify({ model: "test-model", max_tokens: 50, messages: [{ role: "user", content: word }], ...more });
  const headers = { authorization: "Bearer " + key, "content-type": "application/json" };
  const reply = await fetch(api, { method: "POST", headers, body });
  const text = await reply.text();
  const line = { word, status: reply.status, replayed: reply.headers.get("x-afk-replayed"), text };
  see(line);
  return line;
}
if (existsSync("prelude.mjs")) {
  const { prelude } = await import(process.cwd() + "/prelude.mjs");
  words = (await prelude({ words, ask, see })) ?? words;
}
let refused = 0;
for (const word of words) if ((await ask(word)).status !== 200) refused += 1;
process.exitCode = refused > 0 ? 3 : 0;
`;

/** One reply, as the client saw it. */
export interface Seen {
  word: string;
  status: number;
  replayed: string | null;
  text: string;
}

export interface GatewayJob {
  target: Deployment;
  server: ModelEndpoint;
  seen(): Seen[];
  /** What was asked of the provider, by the word. */
  asked(): string[];
  billMicros(): number;
}

/** An agent whose job `script` is a program that asks a priced model for these words through its gateway. */
export async function gatewayJob(
  words: readonly string[],
  over: {
    budget?: object;
    job?: object;
    gateway?: object;
    egress?: object;
    prelude?: string;
    /** Another program than the client. */
    command?: string[];
  } = {},
): Promise<GatewayJob> {
  const server = await startModelEndpoint("openai");
  onTestFinished(() => server.close());
  const target = deployment({
    agent: "test-agent",
    budget: { daily_cap_usd: 1, ...over.budget },
    models: {
      chain: ["extractive"],
      providers: { openai: { base_url: `${server.url}/v1`, api_key: "sk-provider" } },
      prices: { "openai/test-model": STATED },
    },
    ...(over.egress !== undefined && { egress: over.egress }),
    gateway: { models: { test: "openai/test-model" }, ...over.gateway },
    jobs: [
      {
        name: "script",
        kind: "exec",
        every: "1d",
        command: over.command ?? [process.execPath, "client.mjs", ...words],
        gateway: true,
        ...over.job,
      },
    ],
  });
  target.write("client.mjs", CLIENT);
  if (over.prelude !== undefined) target.write("prelude.mjs", over.prelude);
  return {
    target,
    server,
    seen() {
      const file = join(target.dir, "seen");
      const lines = existsSync(file) ? readFileSync(file, "utf8").trimEnd().split("\n") : [];
      return lines.map((line) => JSON.parse(line) as Seen);
    },
    asked: () =>
      server.requests.map(({ json }) => (json.messages as { content: string }[])[0]?.content ?? ""),
    billMicros: () => server.billMicros(PRICE),
  };
}
