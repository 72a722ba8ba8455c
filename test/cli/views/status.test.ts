import stringWidth from "string-width";
import { describe, expect, test } from "vitest";
import { statusView } from "../../../src/cli/views/status.ts";
import { type Finding, finding, verdictOf } from "../../../src/ops/condition/finding.ts";
import type { WindowStatus } from "../../../src/ops/condition/spend.ts";
import type { Status, TickStatus } from "../../../src/ops/status.ts";

const nowMs = Date.parse("2026-11-21T10:00:00Z");
const ago = (minutes: number) => new Date(nowMs - minutes * 60_000).toISOString();

const tick = (outcome: TickStatus["outcome"], minutes: number): TickStatus => ({
  id: `t${minutes}`,
  startedAt: ago(minutes),
  finishedAt: outcome === "running" ? null : ago(minutes - 1),
  outcome,
  reason: outcome === "failed" ? "the disk\u001b[31m is full" : null,
  units: 3,
  usd: 0.03125,
});

/** A window of the agent in dollars, as status gives it. */
function spent(
  window: "hour" | "day",
  usd: { capUsd: number | null; settledUsd: number; reservedUsd: number },
): WindowStatus {
  const { capUsd: cap, settledUsd: settled, reservedUsd: reserved } = usd;
  return { window, scope: "agent", period: "x", unit: "usd", cap, settled, reserved, ...usd };
}

const CALM: Status = {
  agent: "morning-digest",
  version: "1.2.3",
  verdict: "well",
  findings: [],
  killed: null,
  spend: [
    spent("hour", { capUsd: null, settledUsd: 0.1, reservedUsd: 0 }),
    spent("day", { capUsd: 1, settledUsd: 0.5, reservedUsd: 0.25 }),
  ],
  unknown: { calls: 0, usd: 0 },
  breakers: [],
  queue: { ready: 1, running: 0, done: 12, dead: 0 },
  alerts: { pending: 0, failed: 0 },
  deliveries: { pending: 0, dead: 0 },
  drafts: { pending: 0, unknown: 0 },
  questions: [],
  grants: [],
  outputs: { pending: 0 },
  waiting: null,
  paused: [],
  refusals: [],
  sources: { failing: 0 },
  lastTick: tick("ok", 5),
  ticks: [tick("ok", 15), tick("idle", 10), tick("ok", 5)],
  heartbeat: { at: ago(4), isLate: false, how: null, problem: null },
  worker: { state: "none", pid: null },
  machines: [],
  nextDueAt: new Date(nowMs + 7_200_000).toISOString(),
  gateway: null,
  remote: [],
  clock: null,
};

/** The status with these findings. */
function found(status: Status, ...findings: Finding[]): Status {
  return { ...status, findings, verdict: verdictOf(findings, status.lastTick !== null) };
}

const BUSY: Status = {
  ...found(
    CALM,
    finding("killed", "the kill switch is set", "afk resume"),
    finding("tick_failed", "the last tick failed", "afk logs --tick last"),
    finding("dead_letters", "2 dead jobs", "afk dead"),
    finding("drafts_pending", "1 draft to approve", "afk drafts"),
    finding("calls_unknown", "2 calls of unknown cost", "afk ledger list --unknown"),
    finding("sources_failing", "2 sources fail", "afk logs --event source_failed"),
  ),
  killed: { by: "row", at: ago(2), reason: `odd bill ${"and more ".repeat(40)}` },
  spend: [spent("day", { capUsd: 1, settledUsd: 0.9, reservedUsd: 0.1 })],
  unknown: { calls: 2, usd: 0.05 },
  breakers: [
    {
      name: "model:ollama/qwen2.5:3b",
      state: "open",
      failures: 0,
      until: ago(-4),
      reason: "connect\nECONNREFUSED",
    },
    { name: "model:b", state: "half_open", failures: 0, until: ago(-1), reason: null },
    { name: "model:c", state: "closed", failures: 2, until: null, reason: null },
  ],
  queue: { ready: 1, running: 1, done: 12, dead: 2 },
  alerts: { pending: 3, failed: 1 },
  drafts: { pending: 1, unknown: 1 },
  outputs: { pending: 0 },
  sources: { failing: 2 },
  lastTick: tick("failed", 5),
  ticks: (["ok", "idle", "halted", "crashed", "running", "failed"] as const).map((outcome, i) =>
    tick(outcome, 60 - i),
  ),
  heartbeat: { at: ago(400), isLate: true, how: "overdue", problem: "the last tick was long ago" },
  nextDueAt: ago(90),
};

function view(status: Status, columns: number | null = null, rows: number | null = null): string[] {
  return statusView(status, { nowMs, timezone: "Europe/Berlin", columns, rows });
}

test("a calm agent reads so", () => {
  expect(view(CALM)).toEqual([
    "morning-digest  afk 1.2.3  Sat 21 Nov 11:00 Europe/Berlin",
    "= all is well",
    "",
    "kill       off",
    "hour       $0.10, no cap",
    "day        ██████████▒▒▒▒▒░░░░░   75 %  $0.75 of $1.00 ($0.25 reserved)",
    "breakers   all closed: every call may go out",
    "queue      1 ready, 0 running, 12 done, 0 dead",
    "alerts     none waiting",
    "drafts     none waiting",
    "ticks      ●·●  ● 2 ok  · 1 idle",
    "last tick  ok 5 min ago, 3 units, $0.03125, took 1 min",
    "heartbeat  4 min ago",
    "next       Sat 21 Nov 13:00 (in 2 h)",
    "clock      not started",
  ]);
});

test("an agent that has not run yet, and one that goes on without a source, say so", () => {
  const fresh: Status = {
    ...CALM,
    verdict: "new",
    lastTick: null,
    ticks: [],
    heartbeat: { ...CALM.heartbeat, at: null },
  };
  expect(view(fresh)[1]).toBe("= has not run yet");
  const partly = view({
    ...found(CALM, finding("sources_failing", "1 source fails", "afk logs --event source_failed")),
    sources: { failing: 1 },
  });
  expect(partly[1]).toBe("~ works with limits: 1 source fails");
  expect(partly).toContain("sources    1 fails; the rest goes on: afk logs --event source_failed");
});

test.each([
  ["overdue", "LATE: last one 6 h ago; is the timer running? afk doctor"],
  ["hanging", "LATE: a tick hangs, begun 6 h ago; afk logs --tick last"],
  ["died", "a tick died, begun 6 h ago, and none came after it; afk doctor"],
] as const)("a heartbeat that is %s says how", (how, words) => {
  const heartbeat = { at: ago(360), isLate: true, how, problem: "" };
  expect(view({ ...CALM, heartbeat })).toContain(`heartbeat  ${words}`);
});

test.each(["suspended", "gone", "ended"] as const)(
  "a worker that is %s is told of as everywhere else",
  (how) => {
    const lines = view({ ...CALM, heartbeat: { at: ago(4), isLate: true, how, problem: "what it is" } });
    expect(lines).toContain("heartbeat  what it is");
  },
);

test("who is at work is named", () => {
  expect(view({ ...CALM, worker: { state: "working", pid: 4711 } })).toContain(
    "heartbeat  4 min ago, process 4711 is at work",
  );
});

test("what needs a person comes first, each with the command that looks further", () => {
  const lines = view(BUSY);
  expect(lines[1]).toBe(
    "! needs you: the kill switch is set, the last tick failed, 2 dead jobs, 1 draft to approve, 2 calls of unknown cost",
  );
  expect(lines).toContain(
    "unknown    2 calls, charged at $0.05 until you say what they cost: afk ledger list --unknown",
  );
  expect(lines).toContain(
    "breakers   model:ollama/qwen2.5:3b open, not called until Sat 21 Nov 11:04 (in 4 min): connect ECONNREFUSED",
  );
  expect(lines).toContain("           model:b on trial: one call decides");
  expect(lines).toContain("           model:c closed, 2 failures in a row");
  expect(lines).toContain("queue      1 ready, 1 running, 12 done, 2 dead: afk dead");
  expect(lines).toContain("alerts     3 waiting to be sent, 1 not delivered: afk logs --event alert_failed");
  expect(lines).toContain("drafts     1 waits for your approval, 1 may have been done: afk drafts");
  expect(lines).toContain("heartbeat  LATE: last one 6 h 40 min ago; is the timer running? afk doctor");
  expect(lines).toContain("next       Sat 21 Nov 09:30 (due since 1 h 30 min)");
  expect(lines.join("")).not.toContain("\u001b");
});

test("each outcome of a tick has a mark of its own, so that the strip reads without colour", () => {
  const strip = view(BUSY).find((line) => line.startsWith("ticks")) ?? "";
  expect(new Set(strip.slice(11, 17)).size).toBe(6);
});

describe("on a terminal", () => {
  test.each([40, 50, 63, 64, 80, 120, 200])("of %i columns no line is wider", (columns) => {
    for (const status of [CALM, BUSY])
      for (const line of view(status, columns)) expect(stringWidth(line)).toBeLessThanOrEqual(columns);
  });

  test.each([
    [80, 24],
    [120, 40],
    [50, 30],
  ])("of %i columns the busiest status fits %i lines", (columns, rows) => {
    expect(view(BUSY, columns, rows).length).toBeLessThanOrEqual(rows);
  });
});

test.each([
  [{ capUsd: 1, settledUsd: 0, reservedUsd: 0 }, /░{20} +0 % {2}\$0\.00 of \$1\.00$/],
  [{ capUsd: 1, settledUsd: 0.000001, reservedUsd: 0 }, /█░{19} +<1 %/],
  [{ capUsd: 1, settledUsd: 0, reservedUsd: 0.000001 }, /▒░{19} +<1 %/],
  [{ capUsd: 1, settledUsd: 0.29, reservedUsd: 0 }, / 29 %/],
  [{ capUsd: 1, settledUsd: 1.5, reservedUsd: 0 }, /█{20} +150 %/],
  [{ capUsd: 0, settledUsd: 0, reservedUsd: 0 }, /█{20} +100 % {2}\$0\.00 of \$0\.00$/],
])("a window of %j shows as it is", (spend, shape) => {
  const status = { ...CALM, spend: [spent("day", spend)] };
  expect(view(status).find((line) => line.startsWith("day"))).toMatch(shape);
});
