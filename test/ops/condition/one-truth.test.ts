// @module-tag slow
// @module-tag processes
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openAgent } from "../../../src/agent.ts";
import { systemClock } from "../../../src/lib/clock.ts";
import { readCondition } from "../../../src/ops/condition/condition.ts";
import { FINDINGS, type FindingCode } from "../../../src/ops/condition/finding.ts";
import { checkFree } from "../../../src/ops/doctor/state.ts";
import { observe } from "../../../src/ops/worker.ts";
import { seededRandomness } from "../../support/seeded.ts";
import { PLAIN } from "./conditions.ts";
import { ORDINARY } from "./ordinary.ts";
import { PARTICULAR } from "./particular.ts";
import { askAll, contradictions, SURFACES } from "./surfaces.ts";
import { judgedFrom, makeTemplate } from "./template.ts";
import { TOGETHER } from "./together.ts";

const PATIENCE = { timeout: 60_000 };
let template: Awaited<ReturnType<typeof makeTemplate>>;

beforeAll(async () => {
  template = await makeTemplate();
});
afterAll(() => template.remove());

describe("status, health, watchdog, doctor, page, metrics, healthz and ping say the same", PATIENCE, () => {
  it("of an agent that is well", async () => {
    const { target, pings } = await judgedFrom(template.dir);
    const asked = await askAll(target, pings);
    expect(asked.findings).toEqual([]);
    for (const surface of SURFACES)
      expect(asked[surface], surface).toMatchObject({ isWell: true, isFit: true });
  });

  it.each(ORDINARY)("of an agent that is well: $name", async ({ make }) => {
    const state = await judgedFrom(template.dir);
    await make(state);
    const asked = await askAll(state.target, state.pings);
    expect(asked.findings).toEqual([]);
    expect(contradictions(asked)).toEqual([]);
  });

  it.each([...PLAIN, ...PARTICULAR, ...TOGETHER])("of $name", async ({ make, codes, exit, says }) => {
    const state = await judgedFrom(template.dir);
    await make(state);
    const asked = await askAll(state.target, state.pings);
    expect(asked.status.codes).toEqual(codes);
    expect(asked.status.first).toMatch(says);
    expect(asked.health.isFit ? 0 : 1).toBe(exit);
    expect(asked.watchdog.isFit ? 0 : 1).toBe(exit);
    expect(contradictions(asked)).toEqual([]);
  });
});

it("of a disk that is nearly full", async () => {
  const { target } = await judgedFrom(template.dir);
  const agent = await openAgent({ config: target.configFile, state: target.state, environment: {} });
  try {
    const observed = { ...(await observe(agent.config, systemClock)), freeBytes: 199 * 1024 * 1024 };
    const sources = { config: agent.config, db: agent.store.db, clock: systemClock };
    const condition = await readCondition(sources, observed);
    expect(condition).toMatchObject({ verdict: "unwell", findings: [{ code: "disk_low", severity: "bad" }] });
    expect(checkFree(observed.freeBytes, "here")).toMatchObject({ result: "bad", code: "disk_low" });
  } finally {
    await agent.close();
  }
});

it("every kind of finding is made by a condition, but for those of a fleet and a full disk", () => {
  const made = new Set([...PLAIN, ...PARTICULAR].flatMap(({ codes }) => codes));
  const all = Object.keys(FINDINGS) as FindingCode[];
  const others = all.filter((code) => !made.has(code));
  expect(others.toSorted()).toEqual([
    "database_clock",
    "disk_low",
    "failover_seen",
    "machine_clock",
    "machine_lost",
  ]);
  expect(PLAIN.length + PARTICULAR.length + TOGETHER.length).toBeGreaterThanOrEqual(40);
});

describe("whatever comes together", PATIENCE, () => {
  const random = seededRandomness(12);
  const sets = Array.from({ length: 12 }, (_, n) => {
    const chosen = PLAIN.filter(() => random.random() < 0.15);
    return { n, chosen: chosen.length === 0 ? [PLAIN[n]!] : chosen };
  });

  it.each(sets)("no surface says that all is well, nor contradicts another: set $n", async ({ chosen }) => {
    const state = await judgedFrom(template.dir);
    for (const { make } of chosen) await make(state);
    const asked = await askAll(state.target, state.pings);
    const names = chosen.map(({ name }) => name).join("; ");
    expect(asked.findings.length, names).toBeGreaterThan(0);
    expect(contradictions(asked), names).toEqual([]);
  });
});
