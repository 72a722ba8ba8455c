import { expect, test } from "vitest";
import { humanLine, peopleSink } from "../../src/logs/people.ts";

const ts = "2026-11-21T10:00:05.000Z";
const at = new Date(ts);
const time = [at.getHours(), at.getMinutes(), at.getSeconds()]
  .map((n) => String(n).padStart(2, "0"))
  .join(":");

test.each([
  [{ level: "info", event: "tick_started", tick: "01abc" }, "i TIME tick started  tick 01abc"],
  [
    {
      level: "info",
      event: "tick_finished",
      tick: "01abc",
      outcome: "ok",
      reason: null,
      units: 3,
      costMicros: 1500,
    },
    "i TIME tick finished  ok, 3 units, $0.0015",
  ],
  [
    { level: "info", event: "job_done", name: "digest", summary: "12 items", units: 1, outputs: ["a"] },
    "i TIME job done  digest, 12 items, 1 unit",
  ],
  [
    {
      level: "error",
      event: "job_failed",
      name: "digest",
      error: { name: "Error", message: "no\nfeed" },
      retryInMs: 2500,
    },
    "x TIME job failed  digest, no feed, retry in 3 s",
  ],
  [
    {
      level: "warn",
      event: "cap_hit",
      title: "The day cap is reached",
      message: "$1.00 of $1.00.",
      pct: 100,
      key: "k",
    },
    "! TIME The day cap is reached  $1.00 of $1.00.",
  ],
  [
    { level: "warn", event: "threshold_cross", window: "day", pct: 81, capUsd: 1 },
    "! TIME spend passed a threshold  window day, 81 %, cap $1.00",
  ],
  [
    { level: "debug", event: "call_done", model: "ollama/qwen2.5:3b", entry: "01x", costMicros: 0 },
    "· TIME model answered  ollama/qwen2.5:3b, $0.00",
  ],
  [
    { level: "info", event: "something_new", tick: "t", a: 1, b: null, c: [1], d: "x", e: "y" },
    "i TIME something new  a 1, c [1], d x",
  ],
  [{ level: "info", event: "constructor" }, "i TIME constructor"],
] as const)("%j reads well", (line, text) => {
  expect(humanLine({ ts, ...line })).toBe(text.replace("TIME", time));
});

test("in a time zone the time comes with its day", () => {
  const line = { ts: "2026-11-20T23:30:05.000Z", level: "info", event: "kill_seen" } as const;
  expect(humanLine(line, { timezone: "Europe/Berlin" })).toBe(
    "i 2026-11-21 00:30:05 kill switch seen; stopping",
  );
});

test("colour comes only when told", () => {
  const line = { ts, level: "error", event: "tick_failed", error: "x" } as const;
  expect(humanLine(line)).not.toContain("\u001b");
  expect(humanLine(line, { colour: true })).toContain("\u001b[31mx\u001b[0m");
});

test("no field can steer the terminal or make a second line", () => {
  const text = humanLine({
    ts,
    level: "info",
    event: "job_failed",
    error: "a\u001b[2Jb\r\nc\u202ed".padEnd(5_000, "z"),
  });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be there.
  expect(text).not.toMatch(/[\u0000-\u001f\u202e]/);
  expect(text.length).toBeLessThan(400);
});

test("the sink writes one line for each line, and nothing for what is none", () => {
  const lines: string[] = [];
  const sink = peopleSink((line) => lines.push(line));
  sink(JSON.stringify({ ts, level: "info", event: "kill_seen", by: "file" }));
  sink("not a line");
  expect(lines).toEqual([`i ${time} kill switch seen; stopping  by file`]);
});

test("says reasons, channels, tracebacks and instants as people do", () => {
  const line = (fields: object) =>
    humanLine({ ts, level: "warn", ...fields } as never, { timezone: "Europe/Berlin" });
  const because = [
    "model:a/b is not called until 2026-11-21T10:05:00.000Z, since it failed before",
    "c is down",
  ];
  expect(line({ event: "fallback_used", model: "extractive", because })).toMatch(
    /extractive, model:a\/b is not called until Sat 21 Nov 11:05, since it failed before; c is down$/,
  );
  expect(line({ event: "alert_sent", alert: "job_dead", channel: "telegram:24ad0ac8a39e3e7b" })).toMatch(
    /job_dead, channel telegram$/,
  );
  const error =
    "job a: python3 exited with 1: Traceback (most recent call last): File \"a.py\", line 5, in f x ^^^ KeyError: 'tickets'";
  expect(line({ event: "job_failed", name: "a", error })).toMatch(
    /a, job a: python3 exited with 1: KeyError: 'tickets'$/,
  );
});
