import { expect, test } from "vitest";
import { machineLines, machineRows } from "../../../src/cli/views/machines.ts";
import type { MachineStatus } from "../../../src/ops/fleet.ts";

const nowMs = Date.UTC(2026, 10, 21, 12);
const iso = (secondsAgo: number) => new Date(nowMs - secondsAgo * 1_000).toISOString();

function machine(name: string, more: Partial<MachineStatus> = {}): MachineStatus {
  return {
    part: "worker",
    ...{ id: `${name}-0123456789`.padEnd(26, "x"), name, version: "0.2.0", startedAt: iso(7_200) },
    lease: { state: "live", until: iso(-12), since: null },
    ...{ jobs: [], calls: 0, lookedAt: iso(3), clockOffMs: 40 },
    ...more,
  };
}

const FLEET = [
  machine("host-a", {
    jobs: [
      { name: "digest", key: "k" },
      { name: "inbox", key: "l" },
    ],
    calls: 2,
  }),
  machine("host-b", { clockOffMs: -3_600_000, version: "0.1.0" }),
  machine("host-c", { lease: { state: "over", until: iso(4), since: null }, lookedAt: iso(19) }),
  machine("host-d", { lease: { state: "lost", until: iso(400), since: iso(370) }, lookedAt: iso(415) }),
  machine("host-e", { lease: { state: "ended", until: iso(90), since: iso(90) }, lookedAt: iso(92) }),
  machine("host-a", { part: "gateway", calls: 1 }),
];

test("the machines of a fleet are shown with what each does, what it has seen, and what is wrong with it", () => {
  expect(machineLines(FLEET, nowMs)).toEqual([
    "MACHINE  ID        STATE    VERSION  CALLS  SAW THE SWITCH       CLOCK  RUNS",
    "host-a   xxxxxxxx  at work  0.2.0        2         3 s ago       right  digest, inbox",
    "host-b   xxxxxxxx  at work  0.1.0        0         3 s ago  1 h behind  nothing",
    "host-c   xxxxxxxx  silent   0.2.0        0        19 s ago       right  nothing",
    "host-d   xxxxxxxx  lost     0.2.0        0  6 min 55 s ago       right  nothing",
    "host-e   xxxxxxxx  ended    0.2.0        0  1 min 32 s ago       right  nothing",
    "host-a   xxxxxxxx  at work  0.2.0        1         3 s ago       right  the gateway",
    "versions differ, as they do while machines are upgraded one by one",
  ]);
});

test("a fleet that no machine has taken part in says how one does", () => {
  expect(machineLines([], nowMs)).toEqual(["no machine has taken part yet: afk run, or afk tick"]);
});

test("the status has a row of the fleet, and none where one machine is all", () => {
  expect(machineRows([])).toEqual([]);
  expect(machineRows(FLEET)).toEqual([
    ["machines", "2 at work (host-a, host-b), 1 gateway (host-a), 2 lost: afk machines"],
  ]);
  expect(machineRows(FLEET.slice(4, 5))).toEqual([["machines", "none at work: afk machines"]]);
});
