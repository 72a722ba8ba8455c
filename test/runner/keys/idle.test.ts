// @module-tag processes
// @module-tag slow
import { describe, expect, it } from "vitest";
import { systemClock } from "../../../src/lib/clock.ts";
import { PROCESSES } from "../../support/afk.ts";
import { gatewayJob } from "../../support/gateway-job.ts";
import { harness } from "../harness.ts";

const IDLE = { idle_timeout: "3s", timeout: "1m", retry: { attempts: 1 } };
const SAYS =
  "wrote nothing and asked nothing for 3 s (idle_timeout): it probably waits for an answer at a prompt";

async function script(...command: string[]) {
  const made = await harness(() => undefined, {
    jobs: [{ name: "script", kind: "exec", command, ...IDLE }],
  });
  await made.agent.enqueue("script");
  const began = systemClock.uptimeMs();
  const result = await made.agent.tick();
  return { ...made, result, tookMs: systemClock.uptimeMs() - began };
}

describe("a program", PROCESSES, () => {
  it.each([
    ["that asks at a prompt and waits", 'mkfifo answers; printf "Go on? [y/N] "; cat answers'],
    ["that says nothing at all", "sleep 50"],
  ])("%s is ended, with what it started, and its job says why", async (_what, line) => {
    const { result, tookMs, target } = await script("sh", "-c", line);
    expect(result).toMatchObject({ outcome: "failed", exitCode: 1 });
    expect(tookMs).toBeGreaterThanOrEqual(3_000);
    expect(tookMs).toBeLessThan(30_000);
    expect(target.query("select cause, error from dead_letters")).toEqual([
      { cause: "idle", error: expect.stringContaining(SAYS) },
    ]);
    expect(target.query("select * from processes")).toEqual([]);
  });

  it.each([
    ["prints a dot now and then", "for n in 1 2 3 4 5 6 7; do printf .; sleep 1; done"],
    ["writes to standard error alone", "for n in 1 2 3 4 5 6 7; do printf . >&2; sleep 1; done"],
  ])("that %s goes on", async (_what, line) => {
    expect((await script("sh", "-c", line)).result).toMatchObject({ outcome: "ok" });
  });

  it("has no terminal to ask at, and nothing on its standard input to wait for", async () => {
    const { result, target } = await script(
      "sh",
      "-c",
      "test ! -t 0 && cat >/dev/null && ! sh -c ': </dev/tty' 2>/dev/null",
    );
    expect(target.query("select error from dead_letters")).toEqual([]);
    expect(result).toMatchObject({ outcome: "ok" });
  });
});

describe("a program that writes nothing and asks its gateway", PROCESSES, () => {
  const words = ["one", "two", "three", "four", "five"];
  it("goes on, also while one answer takes longer than it may be idle", async () => {
    const { target, server, asked } = await gatewayJob(words, { job: IDLE });
    let count = 0;
    server.otherwise(async () => {
      count += 1;
      if (count === 2) await systemClock.sleep(6_000);
      return { type: "reply" };
    });
    const { code } = await target.afk(["tick"]);
    expect(target.query("select error from dead_letters")).toEqual([]);
    expect(code).toBe(0);
    expect(asked()).toEqual(words);
  });

  it("is ended once it asks no more", async () => {
    const prelude = `export async function prelude({ ask }) { await ask("one"); setInterval(() => undefined, 1_000); await new Promise(() => undefined); }`;
    const { target, asked } = await gatewayJob(words, { job: IDLE, prelude });
    await target.afk(["tick"]);
    expect(asked()).toEqual(["one"]);
    expect(target.query("select cause from dead_letters")).toEqual([{ cause: "idle" }]);
  });
});

describe("a kind of one's own", () => {
  it("goes on while it takes steps or tells how far it is, and is ended when it does nothing", async () => {
    const sleep = (ms: number) => systemClock.sleep(ms);
    let isOver = false;
    const { agent, target } = await harness(
      async (context) => {
        await sleep(800);
        context.progress(1, 2, "half");
        await sleep(800);
        await context.step("one", () => sleep(800));
        await sleep(800);
        isOver = true;
        await sleep(20_000);
        return undefined;
      },
      { jobs: [{ name: "work", kind: "work", idle_timeout: "2s", retry: { attempts: 1 } }] },
    );
    await agent.enqueue("work");
    await agent.tick();
    expect(isOver).toBe(true);
    expect(target.query("select cause from dead_letters")).toEqual([{ cause: "idle" }]);
  });
});
