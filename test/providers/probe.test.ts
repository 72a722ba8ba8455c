import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { probeModel } from "../../src/providers/probe.ts";
import { chainConfig } from "./chain-config.ts";

interface Seen {
  url: string;
  authorization: string | undefined;
}

/** A server with these models at /api/tags, as Ollama has it, below `prefix`. */
async function ollama(body: unknown, options: { prefix?: string; status?: number } = {}) {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    seen.push({ url: request.url ?? "", authorization: request.headers.authorization });
    const isTags = request.url === `${options.prefix ?? ""}/api/tags`;
    response.writeHead(isTags ? (options.status ?? 200) : 404, { "content-type": "application/json" });
    response.end(typeof body === "string" ? body : JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return { seen, host: `127.0.0.1:${(server.address() as AddressInfo).port}` };
}

const TAGS = { models: [{ name: "qwen2.5:3b" }, { name: "llama3.2:latest" }] };
const at = (url: string) => chainConfig([], { ollama: url });

it.each(["qwen2.5:3b", "llama3.2:latest", "llama3.2"])("finds %s where Ollama has it", async (model) => {
  const { host, seen } = await ollama(TAGS);
  expect(await probeModel(`ollama/${model}`, at(`http://${host}`))).toEqual({
    problem: null,
    found: `is there at ${host}`,
  });
  expect(seen).toEqual([{ url: "/api/tags", authorization: undefined }]);
});

it.each(["qwen2.5", "qwen2.5:3", "llama3.2:1b"])("does not take another model for %s", async (model) => {
  const { host } = await ollama(TAGS);
  expect(await probeModel(`ollama/${model}`, at(`http://${host}`))).toEqual({
    problem: "Ollama answers but does not have it",
    mend: `ollama pull ${model}`,
  });
});

it("asks below the path of the address, as a call does", async () => {
  const { host, seen } = await ollama(TAGS, { prefix: "/ollama" });
  expect(await probeModel("ollama/qwen2.5:3b", at(`http://${host}/ollama`))).toMatchObject({ problem: null });
  expect(seen.map(({ url }) => url)).toEqual(["/ollama/api/tags"]);
});

it("logs in with the address's own user and password, and shows them nowhere", async () => {
  const { host, seen } = await ollama(TAGS);
  const found = await probeModel("ollama/qwen2.5:3b", at(`http://me:hunter2@${host}`));
  expect(found).toEqual({ problem: null, found: `is there at ${host}` });
  expect(seen[0]?.authorization).toBe(`Basic ${Buffer.from("me:hunter2").toString("base64")}`);
  const nobody = await probeModel("ollama/qwen2.5:3b", at("http://me:hunter2@127.0.0.1:1"));
  expect(nobody.problem).toContain("nothing answers at 127.0.0.1:1");
  expect(JSON.stringify(nobody)).not.toContain("hunter2");
});

it("sends the key that a call would send", async () => {
  const { host, seen } = await ollama(TAGS);
  const config = at(`http://${host}`);
  config.providers.ollama!.apiKey = "sk-ollama";
  await probeModel("ollama/qwen2.5:3b", config);
  expect(seen[0]?.authorization).toBe("Bearer sk-ollama");
});

it.each<[string, unknown, number]>([
  ["something else", "<html>router</html>", 200],
  ["other JSON", { models: "none" }, 200],
  ["an error", TAGS, 500],
])("says so when %s answers at the address", async (_name, body, status) => {
  const { host } = await ollama(body, { status });
  const found = await probeModel("ollama/qwen2.5:3b", at(`http://${host}`));
  expect(found).toMatchObject({
    problem: expect.stringContaining(host),
    mend: expect.stringContaining("Ollama"),
  });
});

it("never reads more than a list of models can be", async () => {
  const { host } = await ollama(`{"models": [${'{"name":"x"},'.repeat(200_000)}{"name":"qwen2.5:3b"}]}`);
  expect(await probeModel("ollama/qwen2.5:3b", at(`http://${host}`))).toMatchObject({
    problem: expect.stringContaining("more than 1048576 bytes"),
  });
});

it("says why nothing answers", async () => {
  expect(await probeModel("ollama/qwen2.5:3b", at("http://127.0.0.1:1"))).toMatchObject({
    problem: expect.stringMatching(/^nothing answers at 127\.0\.0\.1:1 \([\w ]+\)$/),
    mend: expect.stringContaining("start Ollama"),
  });
});

it.each(["openai", "anthropic"] as const)(
  "looks for a key of %s, and makes no call that could cost",
  async (provider) => {
    const { host, seen } = await ollama(TAGS);
    const config = chainConfig([], { [provider]: `http://${host}` });
    expect(await probeModel(`${provider}/test`, config)).toMatchObject({ problem: null });
    config.providers[provider]!.apiKey = null;
    expect(await probeModel(`${provider}/test`, config)).toEqual({
      problem: "has no key",
      mend: `set ${provider.toUpperCase()}_API_KEY or models.providers.${provider}.api_key`,
    });
    expect(seen).toEqual([]);
  },
);

it("needs nothing for the summariser", async () => {
  expect(await probeModel("extractive", at("http://127.0.0.1:1"))).toEqual({
    problem: null,
    found: "needs nothing",
  });
});
