import { describe, expect, test } from "vitest";
import type { ChannelConfig } from "../../src/alerts/channels/channel.ts";
import type { ChannelType } from "../../src/alerts/channels/registry.ts";
import { sendAlert } from "../../src/alerts/send.ts";
import { sampleChannel, samplePayload } from "./payload.ts";
import { type Answer, receiver } from "./receiver.ts";

const nowMs = Date.parse("2026-11-21T10:00:00Z");

async function send(config: ChannelConfig, options: { timeoutMs?: number; signal?: AbortSignal } = {}) {
  const signal = new AbortController().signal;
  return (await sendAlert(samplePayload(), config, { nowMs, signal, ...options })).result;
}

async function answered(type: ChannelType, answer: Answer, timeoutMs = answer.hang ? 300 : 5_000) {
  const { url, received } = await receiver(() => answer);
  const result = await send(sampleChannel(type, `${url}/bot123:s3cr3t-t0ken/topic-s3cr3t`), {
    timeoutMs,
  });
  return { result, received };
}

test("a webhook gets the payload once, with a key to drop repeats by", async () => {
  const { url, received } = await receiver();
  expect(await send(sampleChannel("webhook", `${url}/in`))).toEqual({ ok: true });
  expect(received).toHaveLength(1);
  expect(JSON.parse(received[0]?.body ?? "")).toEqual(samplePayload());
  expect(received[0]?.headers["idempotency-key"]).toBe("cap_hit%2Fday%2F2026-11-21");
});

test("user and password of the address go into a header", async () => {
  const { url, received } = await receiver();
  const address = url.replace("http://", "http://us%40er:p%3Ass@");
  expect(await send(sampleChannel("webhook", address))).toEqual({ ok: true });
  expect(Buffer.from(received[0]?.headers.authorization?.slice(6) ?? "", "base64").toString()).toBe(
    "us@er:p:ss",
  );
});

describe("a try that fails says why", () => {
  test.each([
    ["webhook", { status: 500, body: "oops" }, "HTTP 500: oops", true, null],
    ["webhook", { status: 404 }, "HTTP 404", true, null],
    ["webhook", { status: 400, body: "bad" }, "HTTP 400: bad", false, null],
    ["webhook", { status: 429, headers: { "retry-after": "120" } }, "HTTP 429", true, 120_000],
    [
      "webhook",
      { status: 503, headers: { "retry-after": "Sat, 21 Nov 2026 10:05:00 GMT" } },
      "HTTP 503",
      true,
      300_000,
    ],
    ["webhook", { status: 503, headers: { "retry-after": "soon" } }, "HTTP 503", true, null],
    [
      "telegram",
      { status: 429, body: '{"ok":false,"parameters":{"retry_after":7}}' },
      "HTTP 429",
      true,
      7_000,
    ],
    [
      "telegram",
      { status: 200, body: '{"ok":false,"description":"chat not found"}' },
      "HTTP 200 but not accepted",
      true,
      null,
    ],
    ["slack", { status: 200, body: "no_service" }, "HTTP 200 but not accepted: no_service", true, null],
    ["ntfy", { status: 200, body: "<html>sign in</html>" }, "HTTP 200 but not accepted", true, null],
    [
      "webhook",
      { status: 307, headers: { location: "/elsewhere" } },
      "HTTP 307: redirects are not followed",
      true,
      null,
    ],
  ] as const)("%s %j", async (type, answer, error, isChannelDown, retryAfterMs) => {
    const { result, received } = await answered(type, answer);
    expect(result).toEqual({ ok: false, error: expect.stringContaining(error), isChannelDown, retryAfterMs });
    expect(received).toHaveLength(1);
  });

  test.each(["before", "body"] as const)(
    "a receiver that hangs (%s) is left after the time limit",
    async (hang) => {
      const { result } = await answered("webhook", { hang, body: "x" });
      expect(result).toMatchObject({ ok: false, error: "no answer in time", isChannelDown: true });
    },
  );

  test("a receiver that refuses the connection is named by its error code", async () => {
    const { url, stop } = await receiver();
    await stop();
    expect(await send(sampleChannel("webhook", url))).toMatchObject({
      ok: false,
      error: "the request failed (ECONNREFUSED)",
      isChannelDown: true,
    });
  });

  test("an abort from outside ends the try at once", async () => {
    const stop = new AbortController();
    const { url } = await receiver(() => {
      stop.abort(new Error("killed"));
      return { hang: "before" };
    });
    expect(await send(sampleChannel("webhook", url), { signal: stop.signal })).toMatchObject({
      ok: false,
      error: "stopped before an answer came",
    });
  });

  test("an endless body is not read to its end", async () => {
    const { result } = await answered("webhook", { status: 500, body: "y".repeat(50_000_000) });
    expect(result).toMatchObject({ ok: false, error: expect.stringMatching(/^HTTP 500: y{200}$/) });
  });
});

test("no error repeats the address or its token, whatever the server echoes", async () => {
  const { url } = await receiver(({ path, body }) => ({
    status: 400,
    body: `cannot post ${path} of ${encodeURI(path)} ${body.length}`,
  }));
  const config = sampleChannel("telegram", `${url}/bot123:s3cr3t-t0ken`);
  const result = await send(config);
  expect(JSON.stringify(result)).toContain("cannot post");
  expect(JSON.stringify(result)).not.toContain("s3cr3t");

  for (const broken of ["not a url s3cr3t", "http://s3cr3t.invalid:0/", "ftp://s3cr3t/"]) {
    const failed = await send(sampleChannel("webhook", broken));
    expect(failed.ok).toBe(false);
    expect(JSON.stringify(failed)).not.toContain("s3cr3t");
  }
});
