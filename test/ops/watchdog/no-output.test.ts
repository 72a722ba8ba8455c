import { describe, expect, it } from "vitest";
import { type WatchdogHarness, watchdogHarness } from "./harness.ts";

describe("ticks without output", () => {
  it("are told of after three with work in a row, once, until one gives output again", async () => {
    const { tick, look, told } = await watchdogHarness();
    await tick({ outcome: "ok", units: 4 });
    await tick({ outcome: "failed", reason: "no model answered" });
    await tick({ outcome: "crashed" });
    expect(await look()).toMatchObject({ exitCode: 0, findings: [] });

    await tick({ outcome: "failed", reason: "no model answered" });
    const report = await look();
    expect(report).toMatchObject({
      exitCode: 1,
      findings: [{ event: "no_output", key: "no_output:after:tick-0001" }],
    });
    expect(report.findings[0]?.message).toContain("no model answered");
    await tick({ outcome: "failed" });
    expect(await look()).toMatchObject({ exitCode: 1, alerts: { sent: 0 } });

    await tick({ outcome: "ok", units: 1 });
    expect(await look()).toMatchObject({ exitCode: 0, recovered: ["3 ticks in a row gave no output"] });
    expect(await look()).toMatchObject({ exitCode: 0, recovered: [] });
    expect(told()).toEqual(["3 ticks in a row gave no output", "Over: 3 ticks in a row gave no output"]);
  });

  it("are no evidence when they were idle, or halted by a rail", async () => {
    const { tick, look } = await watchdogHarness();
    for (let n = 0; n < 5; n++) await tick({ outcome: "idle" });
    for (let n = 0; n < 5; n++) await tick({ outcome: "halted", reason: "the day cap is reached" });
    expect(await look()).toMatchObject({ exitCode: 0, findings: [] });
  });

  it("do not hide between idle ones: a digest a day that fails for three days is told of", async () => {
    const { tick, look } = await watchdogHarness();
    for (let day = 0; day < 3; day++) {
      await tick({ outcome: "failed" });
      for (let n = 0; n < 20; n++) await tick({ outcome: "idle" });
    }
    expect(await look()).toMatchObject({
      exitCode: 1,
      findings: [{ event: "no_output", key: "no_output:after:start" }],
    });
  });

  it("have output when they published a file, though it holds no unit", async () => {
    const harness = await watchdogHarness();
    for (let n = 0; n < 3; n++) await harness.tick({ outcome: "ok", units: 0 });
    await publish(harness, harness.clock.nowMs());
    expect(await harness.look()).toMatchObject({ exitCode: 0, findings: [] });
  });
});

async function publish({ withDb }: WatchdogHarness, createdAt: number): Promise<void> {
  await withDb(async (db) => {
    await db
      .insertInto("jobs")
      .values({
        id: "job-1",
        key: "k",
        name: "digest",
        kind: "digest",
        payload: "null",
        state: "done",
        attempts: 1,
        max_attempts: 5,
        run_at: createdAt,
        lease_until: null,
        token: 1,
        runner: null,
        error: null,
        units: 0,
        by_hand: 0,
        slot_at: createdAt,
        label: "l",
        created_at: createdAt,
        updated_at: createdAt,
      })
      .execute();
    await db
      .insertInto("outputs")
      .values({
        name: "digest.md",
        job_id: "job-1",
        content: "",
        state: "published",
        created_at: createdAt,
        published_at: createdAt,
      })
      .execute();
  });
}
