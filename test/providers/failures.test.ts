import { expect, it } from "vitest";
import { askedWaitMs, refusalFailure } from "../../src/providers/failures.ts";

const NOW = Date.parse("2026-11-21T10:00:00Z");

it.each([
  ["seconds", { "retry-after": "20" }, 20_000],
  ["a fraction of a second, rounded up to one", { "retry-after": "0.2" }, 1_000],
  ["0 seconds, which would not let anything rest", { "retry-after": "0" }, 1_000],
  ["an HTTP date", { "retry-after": "Sat, 21 Nov 2026 10:05:00 GMT" }, 300_000],
  ["a date in the past", { "retry-after": "Sat, 21 Nov 2026 09:00:00 GMT" }, 1_000],
  ["more than six hours", { "retry-after": "999999" }, 21_600_000],
  ["a date next year", { "retry-after": "Sun, 21 Nov 2027 10:00:00 GMT" }, 21_600_000],
  ["OpenAI's milliseconds before seconds", { "retry-after-ms": "1500.5", "retry-after": "20" }, 1_501],
  ["seconds when the milliseconds are none", { "retry-after-ms": "soon", "retry-after": "20" }, 20_000],
  ["a number that came twice, which says nothing", { "retry-after": "30, 60" }, null],
  ["a negative number", { "retry-after-ms": "-5" }, 1_000],
  ["words", { "retry-after": "later" }, null],
  ["nothing", {}, null],
])("reads a Retry-After of %s", (_, headers, expected) => {
  expect(askedWaitMs(headers, NOW)).toBe(expected);
});

it.each([
  ["plain text", "max_tokens is too\nlarge", "x/m answered 422: max_tokens is too large."],
  ["a page, which is for browsers", "<html>422</html>", "x/m answered 422."],
  ["nothing", " ", "x/m answered 422."],
])("repeats what a server says in %s", (_, body, message) => {
  const rules = { isFree: false, freeErrors: null, missingModelAdvice: null };
  const subject = { provider: "x", model: "m", address: "http://a.example", secrets: [], ...rules };
  const failure = refusalFailure(subject, { status: 422, headers: {}, body }, NOW);
  expect(failure).toMatchObject({ message, charge: "unknown", fault: "refusal" });
});
