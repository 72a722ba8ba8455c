import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { Behaviour } from "../../src/faults/model-answers.ts";
import { afk, afkJson, tick } from "../cli/commands/in-process.ts";
import {
  asked,
  type Deployment,
  deployment,
  digestConfig,
  fillInbox,
  ollama,
  PROCESSES,
} from "../support/afk.ts";

/** The promise is two seconds; a machine that is busy with other tests gets some more. */
const OUT_WITHIN_MS = 5_000;
const STALL: Behaviour = { type: "stall", pieces: 2 };

it(
  "is gone within seconds of touch STOP in the middle of a reply, and stays stopped until afk resume",
  PROCESSES,
  async () => {
    const { server, target, running } = await inMidReply();

    const tookMs = await outAfter("touch STOP", running, () => writeFileSync(join(target.state, "STOP"), ""));

    expect(tookMs).toBeLessThan(OUT_WITHIN_MS);
    expect(await running.ended).toMatchObject({ code: 0, signal: null, stderr: "" });
    await server.requests[0]?.closed;
    expectHalted(target, "file");

    // Nothing starts again by itself, whichever command is tried.
    for (const command of ["run", "tick"]) {
      const refused = await target.afk([command]);
      expect(refused).toMatchObject({ code: 0, stderr: "" });
      expect(refused.stdout).toContain('"event":"kill_seen"');
    }
    expect(server.requests).toHaveLength(1);
    expect((await afkJson(target, "status")).json).toHaveProperty("killed.by", "file");

    expect(await afk(target, "resume")).toMatchObject({ code: 0 });
    expect(existsSync(join(target.state, "STOP"))).toBe(false);
    expect(await tick(target)).toMatchObject({ outcome: "ok" });
    expect(asked(server)).toEqual(["item-01", "item-01", "lead"]);
    expect(Object.keys(target.outputs())).toHaveLength(2);
  },
);

it("is gone within seconds of afk stop from another process, and stays stopped", PROCESSES, async () => {
  const { server, target, running } = await inMidReply();

  const stopper = target.start(["stop", "--reason", "the bill looks odd", "--json"]);
  // The clock runs from the moment the switch is set, not from the start of the process that sets it.
  const stopped = await stopper.ended;
  expect(JSON.parse(stopped.stdout)).toMatchObject({
    by: "row",
    detail: "the bill looks odd",
    agent: "test-agent",
    state: target.state,
    worker: { wasAtWork: true, isGone: true },
  });
  const tookMs = await outAfter("afk stop", running, () => undefined);

  expect(tookMs).toBeLessThan(OUT_WITHIN_MS);
  expect(await running.ended).toMatchObject({ code: 0, signal: null });
  await server.requests[0]?.closed;
  expectHalted(target, "row");
  expect(target.query("select count(*) as n from alerts where event = 'kill_set'")).toEqual([{ n: 1 }]);

  expect(await target.afk(["tick"])).toMatchObject({ code: 0 });
  expect(server.requests).toHaveLength(1);
});

it("is gone within seconds of SIGTERM, which does not stay set", PROCESSES, async () => {
  const { server, target, running } = await inMidReply();

  const tookMs = await outAfter("SIGTERM", running, () => running.kill("SIGTERM"));

  expect(tookMs).toBeLessThan(OUT_WITHIN_MS);
  expect(await running.ended).toMatchObject({ code: 0, signal: null });
  await server.requests[0]?.closed;
  expectHalted(target, "signal");

  expect(await target.afk(["tick"])).toMatchObject({ code: 0 });
  expect(asked(server)).toEqual(["item-01", "item-01", "lead"]);
  expect(target.events()).not.toContain("kill_seen");
});

/** `afk run`, whose first model call has begun to be answered and goes no further. */
async function inMidReply() {
  const server = await ollama([STALL]);
  const target = deployment(digestConfig(server.url));
  fillInbox(target, 1);
  const running = target.start(["run"]);
  await server.request(1);
  return { server, target, running };
}

async function outAfter(
  what: string,
  running: { ended: Promise<unknown> },
  stop: () => void,
): Promise<number> {
  const began = performance.now();
  stop();
  await running.ended;
  const tookMs = Math.round(performance.now() - began);
  process.stdout.write(`${what}: the process was out after ${tookMs} ms\n`);
  return tookMs;
}

/** The tick was halted, the job waits with its attempt given back, and the aborted call stays charged. */
function expectHalted(target: Deployment, by: string): void {
  const [tick] = target.query<{ outcome: string; reason: string }>("select outcome, reason from ticks");
  expect(tick?.outcome).toBe("halted");
  expect(tick?.reason).toContain(`stopped by the kill switch (${by})`);
  expect(target.query("select state, attempts from jobs")).toEqual([{ state: "ready", attempts: 0 }]);
  expect(target.query("select state from ledger")).toEqual([{ state: "unknown" }]);
  expect(target.outputs()).toEqual({});
}
