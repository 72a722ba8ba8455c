import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Behaviour } from "../../src/faults/model-answers.ts";
import { AfkError } from "../../src/lib/errors.ts";
import { ReplyUnusable } from "../../src/providers/reply-unusable.ts";
import type { CallFailed } from "../../src/rails/call.ts";
import { API_KEY, ask, failure, harness, KINDS } from "./providers.ts";

interface Row {
  what: string;
  behaviour: Behaviour;
  charge: CallFailed["charge"];
  trip: CallFailed["trip"];
  retry?: CallFailed["retry"];
  message?: RegExp;
}

const error = (status: number, headers?: Record<string, string>): Behaviour => ({
  type: "error",
  status,
  message: "scripted error",
  ...(headers ? { headers } : {}),
});

const ROWS: Row[] = [
  {
    what: "a 400",
    behaviour: error(400),
    charge: "unknown",
    trip: "none",
    retry: "never",
    message: /400: scripted error/,
  },
  { what: "a 413", behaviour: error(413), charge: "unknown", trip: "none", retry: "never" },
  { what: "a 422", behaviour: error(422), charge: "unknown", trip: "none", retry: "never" },
  {
    what: "a 401",
    behaviour: error(401),
    charge: "none",
    trip: "now",
    message: /Check models\.providers\.\w+\.api_key/,
  },
  { what: "a 403", behaviour: error(403), charge: "none", trip: "now" },
  { what: "a 404", behaviour: error(404), charge: "none", trip: "count" },
  { what: "a 402", behaviour: error(402), charge: "unknown", trip: "count" },
  { what: "a 408 of the provider", behaviour: error(408), charge: "unknown", trip: "count" },
  { what: "a 408 of a proxy", behaviour: { type: "html", status: 408 }, charge: "unknown", trip: "count" },
  { what: "a 421", behaviour: error(421), charge: "unknown", trip: "count" },
  {
    what: "a 429 with Retry-After in seconds",
    behaviour: error(429, { "retry-after": "90" }),
    charge: "none",
    trip: { untilAfterMs: 90_000 },
    retry: { afterMs: 90_000 },
  },
  {
    what: "a 429 that asks for two days",
    behaviour: error(429, { "retry-after": "172800" }),
    charge: "none",
    trip: { untilAfterMs: 21_600_000 },
    retry: { afterMs: 21_600_000 },
  },
  {
    what: "a 429 that asks for nothing",
    behaviour: { type: "html", status: 429 },
    charge: "none",
    trip: { untilAfterMs: 60_000 },
    retry: { afterMs: 60_000 },
  },
  {
    what: "a 500 with a JSON error",
    behaviour: error(500),
    charge: "unknown",
    trip: "count",
    message: /500: scripted error/,
  },
  { what: "a 503 with a JSON error", behaviour: error(503), charge: "unknown", trip: "count" },
  { what: "a 529 with a JSON error", behaviour: error(529), charge: "unknown", trip: "count" },
  {
    what: "a 500 without a JSON error",
    behaviour: { type: "html", status: 500 },
    charge: "unknown",
    trip: "count",
  },
  {
    what: "a 500 with JSON that is not the provider's error",
    behaviour: { type: "raw", status: 500, body: '{"detail": "upstream failed"}' },
    charge: "unknown",
    trip: "count",
  },
  { what: "a 502 page", behaviour: { type: "html", status: 502 }, charge: "unknown", trip: "count" },
  { what: "a 502 with a JSON error", behaviour: error(502), charge: "unknown", trip: "count" },
  { what: "a 504", behaviour: error(504), charge: "unknown", trip: "count" },
  {
    what: "a reset connection",
    behaviour: { type: "reset" },
    charge: "unknown",
    trip: "count",
    message: /was lost/,
  },
  {
    what: "a reply reset on its way",
    behaviour: { type: "truncated", pieces: 2 },
    charge: "unknown",
    trip: "count",
  },
  {
    what: "a reply that ends too early",
    behaviour: { type: "cut", pieces: 2 },
    charge: "unknown",
    trip: "count",
  },
  { what: "malformed JSON", behaviour: { type: "malformed" }, charge: "unknown", trip: "count" },
  { what: "a page under 200", behaviour: { type: "html", status: 200 }, charge: "unknown", trip: "count" },
  { what: "an empty body", behaviour: { type: "raw", body: "" }, charge: "unknown", trip: "count" },
  {
    what: "an error under 200",
    behaviour: { type: "errorUnder200", message: "the model ran out of memory" },
    charge: "unknown",
    trip: "count",
    message: /ran out of memory/,
  },
  {
    what: "a compressed reply that nobody asked for",
    behaviour: { type: "raw", headers: { "content-encoding": "gzip" }, body: "x" },
    charge: "unknown",
    trip: "count",
    message: /content-encoding/,
  },
];

describe.each(KINDS)("$name", (kind) => {
  it.each(ROWS)("charges and trips as stated for $what, after one request", async (row) => {
    const { server, provider } = await harness(kind, row.behaviour);
    const failed = await failure(ask(provider, kind.model));
    expect({ charge: failed.charge, trip: failed.trip, retry: failed.retry }).toEqual({
      charge: row.charge,
      trip: row.trip,
      retry: row.retry ?? "later",
    });
    expect(failed).not.toBeInstanceOf(ReplyUnusable);
    if (row.message) expect(failed.message).toMatch(row.message);
    expect(failed.message).toContain(kind.name);
    expect(server.requests).toHaveLength(1);
  });

  it("follows no redirect, and holds its cost for unknown", async () => {
    const target = await harness(kind);
    const headers = { location: `${target.server.url}/api/chat` };
    const { server, provider } = await harness(kind, { type: "html", status: 307, headers });
    const failed = await failure(ask(provider, kind.model));
    expect(failed).toMatchObject({ charge: "unknown", trip: "count" });
    expect(failed.message).toMatch(/follows no redirect/);
    expect([server.requests.length, target.server.requests.length]).toEqual([1, 0]);
  });

  it("charges nothing for a refused connection", async () => {
    const provider = kind.create({ baseUrl: `http://127.0.0.1:${await closedPort()}`, apiKey: API_KEY });
    const failed = await failure(ask(provider, kind.model));
    expect(failed).toMatchObject({ charge: "none", trip: "count", retry: "later" });
    expect(failed.message).toMatch(/cannot be reached at http:\/\/127\.0\.0\.1:\d+\/.*ECONNREFUSED/);
  });

  it("charges nothing for a name that does not resolve", async () => {
    // A label of 64 characters is refused before any name server is asked.
    const provider = kind.create({ baseUrl: `http://${"x".repeat(64)}.test`, apiKey: API_KEY });
    const failed = await failure(ask(provider, kind.model));
    expect(failed).toMatchObject({ charge: "none", trip: "count" });
  });

  it("charges nothing when the other side speaks no TLS", async () => {
    const { server } = await harness(kind);
    const provider = kind.create({ baseUrl: server.url.replace("http:", "https:"), apiKey: API_KEY });
    const failed = await failure(ask(provider, kind.model));
    expect(failed).toMatchObject({ charge: "none", trip: "count" });
    expect(server.requests).toHaveLength(0);
  });

  it("charges nothing when the connection is not made in time", async () => {
    const silent = createServer();
    onTestFinished(() => void silent.close());
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const { port } = silent.address() as AddressInfo;
    const provider = kind.create({ baseUrl: `https://127.0.0.1:${port}`, apiKey: API_KEY });
    const failed = await failure(ask(provider, kind.model, { timeoutMs: 200 }));
    expect(failed).toMatchObject({ charge: "none", trip: "count" });
  });

  it("does not know the cost of a call that never answers", async () => {
    const { server, provider } = await harness(kind, { type: "hang" });
    const failed = await failure(ask(provider, kind.model, { timeoutMs: 200 }));
    expect(failed).toMatchObject({ charge: "unknown", trip: "count", retry: "later" });
    expect(failed.message).toMatch(/no complete answer within 200 ms/);
    await server.requests[0]?.closed;
  });

  it("bounds the whole call, so that a reply that stalls half way ends too", async () => {
    const { provider } = await harness(kind, { type: "stall", pieces: 2 });
    const failed = await failure(ask(provider, kind.model, { timeoutMs: 300 }));
    expect(failed).toMatchObject({ charge: "unknown", trip: "count" });
  });

  it("does not count its own abort as a failure of the provider, and closes the connection", async () => {
    const { server, provider } = await harness(kind, { type: "hang" });
    const stop = new AbortController();
    const call = failure(ask(provider, kind.model, { signal: stop.signal }));
    const request = await server.request(1);
    stop.abort(new Error("killed"));
    expect(await call).toMatchObject({ charge: "unknown", trip: "none" });
    await request.closed;
  });

  it("aborts in the middle of a reply", async () => {
    const stop = new AbortController();
    const { provider } = await harness(kind, {
      type: "slow",
      gate: async (piece) => {
        if (piece === 1) stop.abort();
      },
    });
    expect(await failure(ask(provider, kind.model, { signal: stop.signal }))).toMatchObject({
      charge: "unknown",
      trip: "none",
    });
  });

  it("sends nothing and charges nothing when it was aborted before", async () => {
    const { server, provider } = await harness(kind);
    const failed = await failure(ask(provider, kind.model, { signal: AbortSignal.abort() }));
    expect(failed).toMatchObject({ charge: "none", trip: "none" });
    expect(server.requests).toHaveLength(0);
  });

  it.each([
    [
      "cut off in its first sentence",
      { type: "lengthTruncated", text: "The harbour of" },
      /max_output_tokens/,
    ],
    ["empty", { type: "emptyText" }, /empty reply/],
    ["nothing but white space", { type: "reply", text: " \n " }, /empty reply/],
  ] as Array<[string, Behaviour, RegExp]>)(
    "prices a reply that is %s by its usage",
    async (_, behaviour, message) => {
      const { provider } = await harness(kind, behaviour);
      const failed = await failure(ask(provider, kind.model));
      expect(failed).toBeInstanceOf(ReplyUnusable);
      expect(failed).toMatchObject({ charge: "unknown", trip: "count", retry: "later" });
      expect((failed as ReplyUnusable).usage).toMatchObject({ inputTokens: expect.any(Number) });
      expect(failed.message).toMatch(message);
    },
  );

  it("refuses a reply of more than 8 MiB while it comes", async () => {
    const { provider } = await harness(kind, { type: "raw", body: `${" ".repeat(8 * 1024 * 1024)} ` });
    const failed = await failure(ask(provider, kind.model));
    expect(failed).toMatchObject({ charge: "unknown", trip: "count" });
    expect(failed.message).toMatch(/longer than 8388608 bytes/);
  });

  it("shows neither key nor password, and bounds what the provider says", async () => {
    const { server } = await harness(kind);
    const message = `Wrong key ${API_KEY}\nfor pass-5f4e ${"x".repeat(1000)}`;
    server.otherwise({ type: "error", status: 401, message });
    const baseUrl = server.url.replace("http://", "http://user:pass-5f4e@") + kind.basePath;
    const failed = await failure(ask(kind.create({ baseUrl, apiKey: API_KEY }), kind.model));
    expect(failed.message).toContain("Wrong key [redacted] for [redacted] xxx");
    expect(`${failed.message} ${failed.stack} ${failed.cause}`).not.toMatch(/sk-test|pass-5f4e/);
    expect(failed.message.length).toBeLessThan(450);
  });
});

/** A port on which nothing listens: one that was just given back. */
async function closedPort(): Promise<number> {
  const server = createServer();
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

it("keeps the charge when afk's own reason aborts the reading of an error answer", async () => {
  const { create, model } = KINDS.find(({ name }) => name === "openai")!;
  const stop = new AbortController();
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => {
      socket.write("HTTP/1.1 500 Internal Server Error\r\ncontent-length: 1000\r\n\r\n{");
      setTimeout(() => stop.abort(new AfkError("killed", "killed")), 50);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const provider = create({ baseUrl: `http://127.0.0.1:${port}`, apiKey: null });
  const failed = await failure(ask(provider, model, { signal: stop.signal }));
  expect(failed).toMatchObject({ charge: "unknown", trip: "none" });
});
