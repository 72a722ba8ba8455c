import { describe, expect, it } from "vitest";
import type { SourceReport } from "../../../src/jobs/job.ts";
import { harness } from "../harness.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** An agent whose job reports what the test says, once a tick. */
async function reporting() {
  let report: SourceReport[] = [];
  let during = async () => {};
  const lines: ReturnType<typeof target.logs> = [];
  const isOfSource = (event: unknown) => String(event).startsWith("source_");
  const isKnown = (ts: unknown) => lines.some((line) => line.ts === ts);
  const { agent, clock, target, alerts } = await harness(
    async () => {
      await during();
      return { units: 0, summary: "asked", sources: report };
    },
    { jobs: [{ name: "news", kind: "work" }] },
  );
  return {
    target,
    agent,
    /** Runs the job after so much time with one source that fails for this reason, or works. */
    async look(afterMs: number, ...errors: (string | null)[]) {
      clock.advance(afterMs);
      report = errors.map((error) => ({ id: "abc", label: "Team feed", error }));
      await agent.enqueue("news");
      await agent.tick();
      // A log is kept for a while only.
      lines.push(...target.logs().filter(({ event, ts }) => isOfSource(event) && !isKnown(ts)));
    },
    report: (sources: SourceReport[]) => {
      report = sources;
    },
    during: (work: () => Promise<void>) => {
      during = work;
    },
    raised: () => alerts.filter(({ event }) => event.startsWith("source_")),
    lines: () => lines,
  };
}

describe("a source that is down", () => {
  it("is one alert for as long as it lasts, and one at its end; each failing run has a line", async () => {
    const { look, raised, lines } = await reporting();
    await look(0, null);
    await look(HOUR, "HTTP 503");
    await look(HOUR, "HTTP 503");
    await look(DAY, "time-out");
    await look(40 * DAY, "time-out");
    await look(DAY, null);
    await look(HOUR, null);

    const [failed, recovered] = raised();
    expect(raised()).toHaveLength(2);
    expect(failed).toMatchObject({
      event: "source_failed",
      severity: "info",
      title: "Team feed cannot be read",
      message: expect.stringMatching(/^HTTP 503\. The job news goes on without it/),
      source: "Team feed",
    });
    const day = String(failed?.ts).slice(0, 10);
    expect(failed?.key).toBe(`source_failed:news/abc:${day}`);
    expect(recovered).toMatchObject({
      event: "source_recovered",
      key: `source_recovered:news/abc:${day}`,
      message: expect.stringContaining("failed since Saturday 21 November"),
    });
    expect(lines().map(({ event, level, alerted }) => [event, level, alerted])).toEqual([
      ["source_failed", "warn", true],
      ["source_failed", "warn", false],
      ["source_failed", "warn", false],
      ["source_failed", "warn", false],
      ["source_recovered", "info", true],
    ]);
    for (const line of lines()) expect(line).toMatchObject({ tick: expect.any(String), source: "Team feed" });
  });

  it("is told of once a day when it comes and goes, and again on another day", async () => {
    const { look, raised } = await reporting();
    for (let n = 0; n < 5; n++) await look(60_000, n % 2 === 0 ? "HTTP 503" : null);
    expect(raised().map(({ event }) => event)).toEqual(["source_failed", "source_recovered"]);

    // It is down since the last of them, and on the next day that is news.
    await look(DAY, "HTTP 503");
    await look(DAY, null);
    expect(raised().map(({ event }) => event)).toEqual([
      ...["source_failed", "source_recovered"],
      ...["source_failed", "source_recovered"],
    ]);
  });

  it("is one trouble when the job names the place twice", async () => {
    const { look, raised } = await reporting();
    await look(0, "HTTP 503", null);
    await look(DAY, null, "HTTP 503");
    expect(raised()).toHaveLength(1);
    await look(DAY, null, null);
    expect(raised()).toHaveLength(2);
  });

  it("is another trouble than that of another source of the job", async () => {
    const { report, agent, raised } = await reporting();
    report([
      { id: "abc", label: "One", error: "HTTP 503" },
      { id: "abcd", label: "Two", error: "HTTP 404" },
    ]);
    await agent.enqueue("news");
    await agent.tick();
    expect(raised().map(({ title }) => title)).toEqual(["One cannot be read", "Two cannot be read"]);
  });

  it("is not told of by a run whose result is dropped", async () => {
    const { during, look, agent, lines, raised } = await reporting();
    during(async () => {
      await agent.rails.store.db
        .updateTable("jobs")
        .set((eb) => ({ token: eb("token", "+", 1) }))
        .where("state", "=", "running")
        .execute();
    });
    await look(0, "HTTP 503");
    expect([...raised(), ...lines()]).toEqual([]);
  });
});
