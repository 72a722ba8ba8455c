import { describe, expect, it } from "vitest";
import { jobKinds } from "../../src/jobs/registry.ts";
import { alertUnitFailed, type FailedUnit, type UnitAlert } from "../../src/ops/alert-unit.ts";
import { receiver } from "../alerts/receiver.ts";
import { type Deployment, deployment } from "../support/afk.ts";
import { type FakeClock, fakeClock } from "../support/fake-clock.ts";

interface Setting {
  target: Deployment;
  clock: FakeClock;
  messages(): { title: string; message: string; key: string; event: string; severity: string }[];
  fail(more?: Partial<FailedUnit>): Promise<UnitAlert>;
}

describe("a unit that failed", () => {
  it("is told of at once, and written down", async () => {
    const { target, messages, fail } = await setting();
    expect(await fail()).toMatchObject({ direct: false, sent: 1, failed: 0 });
    expect(messages()).toEqual([
      expect.objectContaining({ event: "unit_failed", severity: "error", title: "afk.service failed" }),
    ]);
    expect(messages()[0]?.message).toContain("exit code 78: the configuration was refused");
    expect(messages()[0]?.message).toContain("Look: journalctl -u afk.service -n 50");
    expect(target.query("select event from alerts")).toEqual([{ event: "unit_failed" }]);
  });

  it("that cron ran has no journal, and leads to afk's own log", async () => {
    const { messages, fail } = await setting();
    await fail({ unit: "afk-tick" });
    expect(messages()[0]?.message).toContain("Look: afk logs --since 2h");
  });

  it("is one alert however often the same failure is told, and its next failure is another", async () => {
    const { target, clock, fail } = await setting();
    await fail({ invocation: "0123456789abcdef0123456789abcdef" });
    clock.advance(60_000);
    await fail({ invocation: "0123456789abcdef0123456789abcdef" });
    await fail({ invocation: "fedcba9876543210fedcba9876543210" });
    expect(target.query("select key from alerts")).toHaveLength(2);
  });

  it.each([
    ["", {}],
    [", also where nothing can be written down", { agnet: "x" }],
  ])("each few minutes, as a crontab tells of it, is one alert an hour%s", async (_where, wrong) => {
    const { clock, messages, fail } = await setting(wrong);
    const tick = { unit: "afk-tick", status: "78" };
    await fail(tick);
    clock.advance(5 * 60_000);
    const again = await fail(tick);
    expect(again).toMatchObject({ isKnown: again.direct });
    expect(messages()).toHaveLength(1);
    await fail({ ...tick, status: "137" });
    expect(messages()).toHaveLength(2);
    clock.advance(60 * 60_000);
    await fail(tick);
    expect(messages()).toHaveLength(3);
  });

  it("of one of several agents is the same unit of its own state", async () => {
    const { target, fail } = await setting();
    await fail({ unit: "afk@work.service" });
    expect(target.query("select subject from incidents")).toEqual([{ subject: "afk.service" }]);
  });

  it.each([
    ["timeout", "TERM", "longer than it may"],
    ["oom-kill", "KILL", "ran out of memory"],
    ["signal", "SEGV", "ended by a signal (signal, SEGV)"],
    ["start-limit-hit", "", "not started again"],
    ["exit-code", "125", "could not start the container"],
    ["exit-code", "42", "exit code 42: see its journal"],
    ["something-new", "7", "Its result is something-new, its status 7"],
    ["", "", "Its result is unknown, its status unknown"],
  ])("is told of in words: %s %s", async (result, status, words) => {
    const { messages, fail } = await setting();
    await fail({ result, status });
    expect(messages()[0]?.message).toContain(words);
  });

  it("is told of whatever its name is made of, and nothing of that reaches the command to copy", async () => {
    const { messages, fail } = await setting();
    await fail({ unit: "a b;$(reboot)`x`\n\u001b[31m.service" });
    expect(messages()[0]?.message).toContain("Look: journalctl -u abrebootx31m.service -n 50");
  });

  it("is told of directly where the database is none", async () => {
    const { target, messages, fail } = await setting();
    target.write("state/afk.db", "this is no database, and long enough to be looked at");
    expect(await fail()).toMatchObject({
      direct: true,
      sent: 1,
      problem: expect.stringContaining("not a database"),
    });
    expect(messages()[0]?.message).toContain("afk doctor");
    expect(target.events()).toEqual(["unit_failed", "alert_sent"]);
  });

  it("is told of directly where the configuration is refused, which is why it failed", async () => {
    const { target, messages, fail } = await setting({ agnet: "x" });
    expect(await fail()).toMatchObject({ direct: true, sent: 1, problem: expect.stringContaining("agnet") });
    expect(messages()).toHaveLength(1);
    expect(target.events()).toContain("unit_failed");
  });

  it("goes to the channels that want it, and to all where none does", async () => {
    const url = `${(await receiver()).url}/other`;
    const { target, messages, fail } = await setting({}, { on: ["cap_hit"] }, [{ type: "webhook", url }]);
    target.write("state/afk.db", "this is no database, and long enough to be looked at");
    expect(await fail()).toMatchObject({ sent: 1 });
    expect(messages()).toEqual([]);

    const alone = await setting({}, { on: ["cap_hit"] });
    alone.target.write("state/afk.db", "this is no database, and long enough to be looked at");
    expect(await alone.fail()).toMatchObject({ sent: 1 });
    expect(alone.messages()).toHaveLength(1);
  });

  it("waits in the outbox while the channel is down", async () => {
    const { target, fail } = await setting({ alerts: [{ type: "webhook", url: "http://127.0.0.1:9/hook" }] });
    expect(await fail()).toMatchObject({ direct: false, sent: 0, failed: 1 });
    expect(target.query("select state from alert_deliveries")).toEqual([{ state: "pending" }]);
  });
});

async function setting(rest: object = {}, channel: object = {}, more: object[] = []): Promise<Setting> {
  const hooks = await receiver();
  const target = deployment({
    agent: "test-agent",
    budget: { daily_cap_usd: 1 },
    models: { chain: ["extractive"] },
    alerts: [{ type: "webhook", url: `${hooks.url}/hook`, ...channel }, ...more],
    ...rest,
  });
  const clock = fakeClock();
  return {
    target,
    clock,
    messages: () => hooks.received.map(({ body }) => JSON.parse(body)),
    fail: (fields) =>
      alertUnitFailed(
        { config: target.configFile, state: target.state, environment: {}, kinds: () => jobKinds, clock },
        { unit: "afk.service", result: "exit-code", status: "78", invocation: undefined, ...fields },
      ),
  };
}
