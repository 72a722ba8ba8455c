import { expect, test } from "vitest";
import { traceView } from "../../src/cli/views/trace.ts";
import type { LogLine } from "../../src/logs/line.ts";
import { traceOf } from "../../src/logs/trace.ts";

let second = 0;
const entry = (event: string, fields: object = {}, level: LogLine["level"] = "info") => {
  const ts = new Date(Date.UTC(2026, 10, 21, 6, 0, second++)).toISOString();
  const line: LogLine = { ts, level, event, tick: "t1", ...fields };
  return { raw: JSON.stringify(line), line };
};

function tree(entries: ReturnType<typeof entry>[], columns: number | null = null): string[] {
  const trace = traceOf("t1", entries);
  if (trace === null) return [];
  return traceView(trace, { timezone: "Europe/Berlin", columns });
}

const done = () => {
  second = 0;
  return [
    entry("tick_started", { version: "1" }),
    entry("job_started", { job: "digest@1", name: "digest", attempt: 1 }),
    entry("source_failed", { job: "digest@1", source: "feed x", error: "404" }, "warn"),
    entry("call_done", {
      job: "digest@1",
      model: "ollama/m",
      step: "item:a",
      costMicros: 1_200,
      durationMs: 2_100,
    }),
    entry("call_done", {
      job: "digest@1",
      model: "ollama/m",
      step: "lead",
      costMicros: 300,
      durationMs: 900,
    }),
    entry("job_done", { job: "digest@1", name: "digest", units: 2, summary: "2 new items" }),
    entry("tick_finished", { outcome: "ok", reason: null, units: 2, costMicros: 1_500, durationMs: 6_000 }),
    entry("alert_sent", { alert: "cap_hit", channel: "ntfy:1" }),
  ];
};

test("a tick is a tree of its jobs, their calls with duration and cost, and what followed", () => {
  expect(tree(done())).toEqual([
    "tick t1  ok, 2 units  [6 s, $0.0015]",
    "began Sat 21 Nov 07:00 Europe/Berlin",
    "├─ job digest@1  done: 2 new items, 2 units  [4 s, $0.0015]",
    "│  ├─ ! source failed; the rest goes on  feed x, 404",
    "│  ├─ model answered  item:a, ollama/m  [2 s, $0.0012]",
    "│  └─ model answered  lead, ollama/m  [900 ms, $0.0003]",
    "└─ what followed",
    "   └─ alert sent  cap_hit, channel ntfy:1",
  ]);
});

test("a tick and a job without an end say so, and so does a second attempt", () => {
  const entries = done().slice(0, 2);
  second = 2;
  entries.push(
    entry("job_failed", { job: "digest@1", name: "digest", error: "boom", retryInMs: 2_000 }, "error"),
  );
  entries.push(entry("job_started", { job: "digest@1", name: "digest", attempt: 2 }));
  expect(tree(entries)).toEqual([
    "tick t1  no end on record: its process died or works still",
    "began Sat 21 Nov 07:00 Europe/Berlin",
    "├─ x job digest@1  failed: boom, retry in 2 s  [1 s]",
    "└─ job digest@1, attempt 2  no end on record: its process died or works still",
  ]);
});

test("lines that begin in the middle, since retention took the rest, are shown as they are", () => {
  expect(tree(done().slice(4, 7))).toEqual([
    "tick t1  ok, 2 units  [2 s, $0.0015]",
    "began Sat 21 Nov 07:00 Europe/Berlin",
    "├─ model answered  lead, ollama/m  [900 ms, $0.0003]",
    "└─ job done  digest, 2 new items, 2 units",
  ]);
  expect(traceOf("t1", [])).toBeNull();
});

test("no line is wider than the terminal, and nothing in one steers it", () => {
  const entries = done();
  entries.splice(
    2,
    0,
    entry("e\u001b[2J", { job: "digest@1", error: `long ${"words ".repeat(60)}\u001b[31m` }),
  );
  const lines = tree(entries, 40);
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(40);
  expect(lines.join("")).not.toContain("\u001b");
});

test("a tick of more lines than anybody reads is cut, and says by how much", () => {
  second = 0;
  const many = Array.from({ length: 5_010 }, () => entry("page_fetched", { url: "x" }, "debug"));
  expect(tree(many).at(-1)).toBe("… 10 more lines: afk logs --tick ID --json");
});
