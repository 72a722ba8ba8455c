// @module-tag processes
// @module-tag slow
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import type { WedgeMarker } from "../../src/runner/wedge/marker.ts";
import { isAlive, patient } from "../chaos/support/misbehaving.ts";
import { postgresProblem } from "../support/postgres/binaries.ts";
import { startProxy } from "../support/postgres/proxy.ts";
import { forTest, sharedPostgres } from "../support/postgres/shared.ts";
import { freshState } from "../support/postgres/state.ts";
import { direct } from "./support/audit.ts";

const problem = postgresProblem();
const skipped = problem === null ? "" : ` -- skipped: ${problem}`;

/** Its silence alone ends it never: what ends it is the switch. */
const LIMITS = {
  ...{ stepMs: 100, livenessMs: 100 },
  ...{ killStepsMax: 10, alertStepsMax: 100, silentStepsMax: 100_000 },
};

describe.skipIf(problem !== null)(`a worker of a fleet whose event loop stands still${skipped}`, () => {
  test("is killed when the switch is set from elsewhere", { timeout: 120_000 }, async () => {
    const { worker, state, target } = await wedged();
    await direct(target, ["update kill_switch set set_at = 1, reason = 'by another machine'"]);
    expect(await worker.ended).toMatchObject({ code: null, signal: "SIGKILL" });
    expect(marker(state).reason).toContain("after the kill switch was set (in the database of the fleet)");
  });

  test("is killed when nobody could look whether it is set", { timeout: 120_000 }, async () => {
    const { worker, state, proxy } = await wedged();
    const frozen = performance.now();
    proxy.freeze(true);
    expect(await worker.ended).toMatchObject({ code: null, signal: "SIGKILL" });
    expect(performance.now() - frozen).toBeGreaterThan(4_000);
    expect(marker(state).reason).toContain("nobody could look");
  });

  test("is not killed for a database that is away for a moment", { timeout: 120_000 }, async () => {
    const { worker, proxy } = await wedged();
    for (const fail of [() => proxy.freeze(true), () => proxy.refuse(true)]) {
      fail();
      proxy.cutAll();
      await sleep(1_500);
      proxy.freeze(false);
      proxy.refuse(false);
      await sleep(5_000);
      expect(isAlive(worker.pid)).toBe(true);
    }
  });
});

function marker(state: string): WedgeMarker {
  return JSON.parse(readFileSync(join(state, "wedged.json"), "utf8")) as WedgeMarker;
}

/** A worker in the middle of a job that never gives the event loop back. */
async function wedged() {
  const target = await freshState();
  const proxy = await forTest(startProxy(await sharedPostgres()));
  const database = { ...target, url: proxy.url(target.url) };
  const subject = await patient("loop", onTestFinished, undefined, { database });
  const worker = subject.start("run", LIMITS);
  await worker.said('"event":"misbehaving"');
  // The guard's first look takes a moment more.
  await sleep(1_500);
  return { worker, state: subject.state, target, proxy };
}
