import { expect, it, onTestFinished } from "vitest";
import { startModelEndpoint, unusedUrl } from "../../src/faults/model-endpoint.ts";
import type { ProtocolName } from "../../src/faults/model-protocols.ts";

it("counts calls on arrival, and tells what became of each", async () => {
  const endpoint = await started();
  const first = await post(endpoint.url, "one");
  const lines = (await first.text()).trim().split("\n");
  expect(JSON.parse(lines.at(-1) ?? "")).toMatchObject({ done: true, done_reason: "stop", eval_count: 7 });

  endpoint.otherwise({ type: "error", status: 503 });
  const refused = await post(endpoint.url, "two");
  expect(refused.status).toBe(503);
  expect(await refused.json()).toEqual({ error: expect.any(String) });

  endpoint.otherwise({ type: "stall", pieces: 1 });
  const leave = new AbortController();
  await post(endpoint.url, "three", leave.signal);
  expect(endpoint.requests.map(({ json }) => json.model)).toEqual(["one", "two", "three"]);
  expect(endpoint.requests[2]?.isOver).toBe(false);
  leave.abort();
  await expect.poll(() => endpoint.requests[2]?.isOver).toBe(true);
});

it("serves the pages it is told to, counts them apart, and no others", async () => {
  const endpoint = await started();
  const page = endpoint.serve("/feed.xml", { status: 503, contentType: "text/plain", content: "down" });
  expect((await fetch(`${endpoint.url}/feed.xml`)).status).toBe(503);
  expect((await fetch(`${endpoint.url}/robots.txt`)).status).toBe(404);
  expect(page.count).toBe(1);
  expect(endpoint.requests).toEqual([]);
});

it("does not count what is no call", async () => {
  const endpoint = await started();
  const bad = fetch(`${endpoint.url}/api/chat`, { method: "POST", body: "no json" });
  await expect(bad).rejects.toThrow();
  expect((await fetch(`${endpoint.url}/api/pull`, { method: "POST", body: "{}" })).status).toBe(404);
  expect(endpoint.requests).toEqual([]);
});

it("knows an address where nothing listens", async () => {
  await expect(fetch(await unusedUrl())).rejects.toThrow();
});

async function started(name: ProtocolName = "ollama") {
  const endpoint = await startModelEndpoint(name);
  onTestFinished(() => endpoint.close());
  return endpoint;
}

function post(url: string, model: string, signal?: AbortSignal): Promise<Response> {
  const body = JSON.stringify({ model, messages: [] });
  return fetch(`${url}/api/chat`, { method: "POST", body, ...(signal ? { signal } : {}) });
}

it.each<[ProtocolName, string, object]>([
  ["ollama", "/api/chat", { options: { num_predict: 3 } }],
  ["openai", "/v1/chat/completions", { max_tokens: 3 }],
  ["openai", "/v1/chat/completions", { max_completion_tokens: 3 }],
  ["anthropic", "/v1/messages", { max_tokens: 3 }],
  ["openai", "/v1/completions", { max_tokens: 3 }],
  ["openai", "/v1/responses", { max_output_tokens: 3 }],
  ["ollama", "/api/generate", { options: { num_predict: 3 }, stream: false }],
])("keeps to the output limit of a request in the protocol of %s", async (name, path, limit) => {
  const endpoint = await started(name);
  const body = JSON.stringify({ model: "one", messages: [], ...limit });
  const text = await (await fetch(endpoint.url + path, { method: "POST", body })).text();
  expect(text).toMatch(/"(eval_count|completion_tokens|output_tokens)":3\b/);
});
