import * as v from "valibot";
import { describe, expect, test } from "vitest";
import type { ActionTools } from "../../../src/jobs/actions/action.ts";
import { post } from "../../../src/jobs/actions/post.ts";

const URL = "https://hooks.example.org/a?b=c";

async function requestOf(content: unknown) {
  const sent: unknown[] = [];
  const tools: ActionTools = {
    idempotencyKey: "key",
    signal: new AbortController().signal,
    push: async () => undefined,
    async post(url, request) {
      sent.push({ url, ...request });
      return { status: 202 };
    },
    append: () => Promise.reject(new Error("nothing is appended in this test")),
  };
  const result = await post.run(v.parse(post.content, content), tools);
  return { sent, result };
}

describe("post", () => {
  test.each([
    [{ url: URL }, { method: "POST", headers: {}, body: null }],
    [
      { url: URL, method: "DELETE" },
      { method: "DELETE", headers: {}, body: null },
    ],
    [
      { url: URL, method: "PUT", json: { a: ["\u001b", null] } },
      { method: "PUT", headers: { "content-type": "application/json" }, body: '{"a":["\\u001b",null]}' },
    ],
    [
      { url: URL, json: null },
      { method: "POST", headers: { "content-type": "application/json" }, body: "null" },
    ],
    [
      { url: URL, method: "PATCH", text: "" },
      { method: "PATCH", headers: { "content-type": "text/plain; charset=utf-8" }, body: "" },
    ],
    [
      { url: URL, text: "<a/>", headers: { "content-type": "application/xml", accept: "*/*" } },
      { method: "POST", headers: { "content-type": "application/xml", accept: "*/*" }, body: "<a/>" },
    ],
  ])("%j is one request", async (content, request) => {
    const { sent, result } = await requestOf(content);
    expect(sent).toEqual([{ url: URL, ...request }]);
    // The path may be a secret, and the summary is logged.
    expect(result.summary).toBe(`${request.method} to hooks.example.org was answered with 202`);
  });

  test("lets a failure pass", async () => {
    const failing: ActionTools = {
      idempotencyKey: "key",
      signal: new AbortController().signal,
      push: async () => undefined,
      post: () => Promise.reject(new Error("no answer")),
      append: () => Promise.reject(new Error("nothing is appended in this test")),
    };
    await expect(post.run(v.parse(post.content, { url: URL }), failing)).rejects.toThrow("no answer");
  });

  test.each([
    ["no address", {}],
    ["a relative address", { url: "/a" }],
    ["another scheme", { url: "file:///etc/passwd" }],
    ["an address with a space", { url: "https://a.test/ b" }],
    ["an address with a line break", { url: "https://a.test/\nb" }],
    ["an address with a letter that looks like another", { url: "https://аpple.test/" }],
    ["an address that is none", { url: "https://[" }],
    ["a long address", { url: `https://a.test/${"a".repeat(2_000)}` }],
    ["GET", { url: URL, method: "GET" }],
    ["CONNECT", { url: URL, method: "CONNECT" }],
    ["a method in small letters", { url: URL, method: "post" }],
    ["a credential", { url: URL, headers: { authorization: "Bearer x" } }],
    ["a cookie", { url: URL, headers: { cookie: "a=b" } }],
    ["a host of its own", { url: URL, headers: { host: "other.test" } }],
    ["a key of its own", { url: URL, headers: { "idempotency-key": "x" } }],
    ["a header within a value", { url: URL, headers: { accept: "a\r\nhost: b" } }],
    ["an empty value", { url: URL, headers: { accept: "" } }],
    ["a value that is no text", { url: URL, headers: { accept: 1 } }],
    ["two bodies", { url: URL, json: 1, text: "1" }],
    ["JSON of another type", { url: URL, json: 1, headers: { "content-type": "text/html" } }],
    ["a long text", { url: URL, text: "a".repeat(65_537) }],
    ["long JSON", { url: URL, json: "a".repeat(65_536) }],
    ["an unknown key", { url: URL, redirect: "follow" }],
    ["no mapping", "https://a.test/"],
    ["nothing", null],
  ])("refuses %s", (_name, content) => {
    expect(v.safeParse(post.content, content).success).toBe(false);
  });
});
