import { expect, it, onTestFinished } from "vitest";
import { startEndpoint, unusedUrl } from "../../src/drill/endpoint.ts";

it("counts questions on arrival, and tells what became of each", async () => {
  const endpoint = await started();
  const first = await post(endpoint.url, "one");
  const lines = (await first.text()).trim().split("\n");
  expect(JSON.parse(lines.at(-1) ?? "")).toMatchObject({ done: true, done_reason: "stop", eval_count: 6 });

  endpoint.behave(() => ({ type: "refuse", status: 503 }));
  const refused = await post(endpoint.url, "two");
  expect(refused.status).toBe(503);
  expect(await refused.json()).toEqual({ error: expect.any(String) });

  endpoint.behave(() => ({ type: "hold" }));
  const leave = new AbortController();
  await post(endpoint.url, "three", leave.signal);
  expect(endpoint.asked.map(({ model }) => model)).toEqual(["one", "two", "three"]);
  expect(endpoint.asked[2]?.isOver).toBe(false);
  leave.abort();
  await expect.poll(() => endpoint.asked[2]?.isOver).toBe(true);
});

it("serves the pages it is told to, counts them apart, and no others", async () => {
  const endpoint = await started();
  const page = endpoint.serve("/feed.xml", { status: 503, contentType: "text/plain", content: "down" });
  expect((await fetch(`${endpoint.url}/feed.xml`)).status).toBe(503);
  expect((await fetch(`${endpoint.url}/robots.txt`)).status).toBe(404);
  expect(page.count).toBe(1);
  expect(endpoint.asked).toEqual([]);
});

it("does not count what is no question", async () => {
  const endpoint = await started();
  const bad = fetch(`${endpoint.url}/api/chat`, { method: "POST", body: "no json" });
  await expect(bad).rejects.toThrow();
  expect((await fetch(`${endpoint.url}/api/generate`, { method: "POST", body: "{}" })).status).toBe(404);
  expect(endpoint.asked).toEqual([]);
});

it("knows an address where nothing listens", async () => {
  await expect(fetch(await unusedUrl())).rejects.toThrow();
});

async function started() {
  const endpoint = await startEndpoint();
  onTestFinished(() => endpoint.close());
  return endpoint;
}

function post(url: string, model: string, signal?: AbortSignal): Promise<Response> {
  const body = JSON.stringify({ model, messages: [] });
  return fetch(`${url}/api/chat`, { method: "POST", body, ...(signal ? { signal } : {}) });
}
