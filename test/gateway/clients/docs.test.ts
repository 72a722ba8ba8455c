// @module-tag processes
// @module-tag slow
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readBlocks, runBlocks } from "./support/blocks.ts";
import { expectBooked } from "./support/books.ts";
import { testGateway } from "./support/gateway.ts";
import { npmClients, pythonClients } from "./support/install.ts";

const TEXT = "Hi from the model.";
const LIBRARIES = ["openai", "anthropic", "ollama"];

/** What each block needs: the variables of others, the blocks before it; and the requests that it makes. */
const NPM: [string, string[], number][] = [
  ["openai-node", ["openai"], 1],
  ["anthropic-node", ["anthropic"], 1],
  ["ollama-js", [], 1],
  ["langchain-js", LIBRARIES, 2],
  ["ai-sdk", [], 1],
];
const PYTHON: [string, string[], number][] = [
  ["openai-python", ["openai"], 1],
  ["anthropic-python", ["anthropic"], 1],
  ["ollama-python", ["ollama"], 1],
  ["langchain-python", LIBRARIES, 2],
];
/** Run by large.test.ts; and those whose programs are too large, or want an account. */
const LARGE = ["claude-code", "codex", "opencode"];
const NOT_RUN = ["openclaw", "aider", "litellm"];

const npm = await npmClients("npm");
const python = await pythonClients();

it("knows every block of the page", () => {
  const run = [...NPM, ...PYTHON].map(([client]) => client);
  const known = [...run, ...LIBRARIES, ...LARGE, ...NOT_RUN, "curl"];
  expect(new Set(readBlocks().map(({ client }) => client))).toEqual(new Set(known));
});

describe.skipIf(npm.folder === null)(`blocks for npm${reasonOf(npm.reason)}`, () => {
  it.each(NPM)("%s", async (client, before, requests) => {
    await expectAnswers([...before, client], requests, { path: [], modules: npm.folder });
  });
});

describe.skipIf(python.folder === null)(`blocks for Python${reasonOf(python.reason)}`, () => {
  it.each(PYTHON)("%s", async (client, before, requests) => {
    const path = [join(python.folder ?? "", "bin")];
    await expectAnswers([...before, client], requests, { path, modules: null });
  });
});

it("curl", async () => {
  const shown = await expectAnswers(["curl"], 1, { path: [], modules: null });
  expect(shown).toContain("spent");
});

async function expectAnswers(
  clients: string[],
  requests: number,
  options: { path: string[]; modules: string | null },
): Promise<string> {
  const gateway = await testGateway();
  for (const provider of Object.values(gateway.providers)) provider.otherwise({ type: "reply", text: TEXT });
  const target = { url: gateway.url, key: gateway.keyOf("tester") };
  const shown = await runBlocks(clients, { ...options, ...target });
  expect(shown.split(TEXT).length - 1).toBe(requests);
  const asked = Object.values(gateway.providers).reduce((sum, provider) => sum + provider.requests.length, 0);
  expect(asked).toBe(requests);
  await expectBooked(gateway);
  return shown;
}

function reasonOf(reason: string | null): string {
  return reason === null ? "" : ` -- skipped: ${reason}`;
}
