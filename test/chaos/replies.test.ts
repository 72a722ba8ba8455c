import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { startModelEndpoint } from "../../src/faults/model-endpoint.ts";
import type { Randomness } from "../../src/lib/ids.ts";
import { deployment, digestConfig, PROCESSES } from "../support/afk.ts";
import { cases, chaosSeed, patience, report } from "../support/chaos.ts";
import { seededRandomness } from "../support/seeded.ts";

const USAGE = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };

/** What servers that speak OpenAI's API send for a reply that is complete, and what the digest must say for it. */
type Reply = [name: string, reply: object, summary: string];
const REPLIES: Reply[] = [
  ["eos", { finish_reason: "eos", message: { content: "Eos is used." } }, "Eos is used."],
  ["null", { finish_reason: null, message: { content: "Null is used." } }, "Null is used."],
  ["missing", { message: { content: "Missing is used." } }, "Missing is used."],
  [
    "parts",
    { finish_reason: "stop", message: { content: [{ type: "text", text: "Parts are used." }] } },
    "Parts are used.",
  ],
  [
    "think",
    {
      finish_reason: "stop",
      message: { content: `<think>\n${"Hm. ".repeat(300)}</think>\n\nThought is cut.` },
    },
    "Thought is cut.",
  ],
  [
    "closing",
    { finish_reason: "stop", message: { content: "Hm.\n</think>\n\nThe end is cut." } },
    "The end is cut.",
  ],
  [
    "length",
    { finish_reason: "length", message: { content: "One is whole. The other" } },
    "One is whole.\n\n*(cut off at the token limit)*",
  ],
];

const ENDS = ["stop", "eos", "end_turn", "STOP", "anything", "", null, undefined];
const REASONING: ((text: string) => string)[] = [
  (text) => text,
  (text) => `<think>Hm. <b> \`</think>\n${text}`,
  (text) => `Hm.\n</thinking>\n${text}`,
  (text) => `[THINK]Hm.[/THINK] ${text}`,
  (text) => `${text}\n<think>Hm.`,
];
const FORMS: ((text: string) => unknown)[] = [
  (text) => text,
  (text) => [{ type: "text", text }],
  (text) => [...text].map((character) => ({ type: "text", text: character })),
  (text) => [
    { type: "thinking", thinking: [{ type: "text", text: "Hm." }] },
    { type: "text", text },
  ],
];

/** A day's items with all that servers do, put together by chance. */
function anyReplies({ random }: Randomness): Reply[] {
  const of = <T>(list: readonly T[]) => list[Math.floor(random() * list.length)] as T;
  return Array.from({ length: 25 }, (_, n) => {
    const summary = `Number ${n} is used.`;
    const message = { content: of(FORMS)(of(REASONING)(summary)), reasoning_content: of(["Hm.", null, ""]) };
    return [`item${n}x`, { finish_reason: of(ENDS), message }, summary];
  });
}

it(
  "uses every reply that holds an answer, at the cost that its usage says",
  async () => {
    const rounds = cases({ test: 1, chaos: 60 });
    const chance = seededRandomness(chaosSeed("replies"));
    let count = 0;
    for (let round = 0; round < rounds; round++) {
      const replies = round === 0 ? REPLIES : anyReplies(chance);
      await digestOf(replies, round === 0 ? 1 : 0);
      count += replies.length;
    }
    report("replies", count);
  },
  patience({ test: PROCESSES.timeout, chaos: 1_800_000 }),
);

async function digestOf(replies: Reply[], cutOff: number): Promise<void> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString("utf8");
    const [, name] = /Title of (\w+)/.exec(body) ?? [];
    const [, choice] = replies.find(([each]) => each === name) ?? ["", { message: { content: "The lead." } }];
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ choices: [{ index: 0, ...choice }], usage: USAGE }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  const models = {
    chain: ["openai/test"],
    providers: { openai: { base_url: url, api_key: "sk-test" } },
    prices: { "openai/test": { input: 1, output: 4 } },
  };
  const target = deployment(digestConfig("http://127.0.0.1:1", { models }));
  for (const [name] of replies)
    target.write(`inbox/${name}.md`, `# Title of ${name}\n\nThe harbour is open. Ships may enter.\n`);
  const { code, stderr } = await target.afk(["tick"]);
  expect(code, stderr).toBe(0);
  const outputs = target.outputs();
  const digest = outputs[Object.keys(outputs).find((name) => name.endsWith(".md")) ?? ""] ?? "";
  for (const [name, , summary] of replies) expect(digest, name).toContain(summary);
  expect(digest).not.toContain("Hm.");
  expect(target.query("select distinct state, cost_micros from ledger")).toEqual([
    { state: "settled", cost_micros: 30 },
  ]);
  const cut = target.logs().filter((line) => line.event === "call_done" && line.truncated === true);
  expect(cut).toHaveLength(cutOff);
}

it(
  "asks a model that reasons not to, and looks at its capabilities only behind the gates",
  PROCESSES,
  async () => {
    const server = await startModelEndpoint("ollama", { facts: { capabilities: ["completion"] } });
    onTestFinished(() => server.close());
    const target = deployment(digestConfig(server.url));
    target.write("inbox/a.md", "# Title of a\n\nThe harbour is open. Ships may enter.\n");
    await target.afk(["tick"], { DAILY_CAP_USD: "0" });
    expect([server.shown.length, server.requests.length]).toEqual([0, 0]);
    expect((await target.afk(["tick"])).code).toBe(0);
    // Once for the model, and not for each of its calls.
    expect([server.shown.length, server.requests.length]).toEqual([1, 2]);
  },
);

it.each(["https://ollama.com", "http://8.8.8.8:11434"])(
  "refuses Ollama's models at %s without a price, exit 78, and says what to write",
  async (url) => {
    const target = deployment(digestConfig(url));
    const { code, stderr } = await target.afk(["tick"]);
    expect(code).toBe(78);
    expect(stderr).toContain('"ollama/test-model": { input: …, output: … }');
  },
);
