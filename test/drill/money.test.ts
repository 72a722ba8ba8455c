// @module-tag slow
import { afterEach, describe, expect, it } from "vitest";
import { readAgentConfig } from "../../src/agent.ts";
import { configHash } from "../../src/config/hash.ts";
import type { Effects } from "../../src/drill/harness.ts";
import { startModelEndpoint, unusedUrl } from "../../src/faults/model-endpoint.ts";
import { drill, expectFailure, expectNothingLeft } from "./harness.ts";

/** What a scratch configuration is, as far as these tests change it. */
interface Scratch extends Record<string, unknown> {
  budget: Record<string, number>;
  breaker: Record<string, unknown>;
  models: { chain: string[] } & Record<string, unknown>;
  jobs: Record<string, unknown>[];
}

afterEach(expectNothingLeft);

describe("cap", () => {
  it("passes, with its row, its record and its event", async () => {
    const { result, record, target } = await drill("cap", { changes: { budget: { daily_cap_usd: 2.5 } } });

    expect(result).toMatchObject({ name: "cap", passed: true, error: null });
    expect(result.figures).toMatchObject({
      requestsBeforeRefusal: 2,
      requestsAfterRefusal: 2,
      capMicros: 2_500_000,
      requestsUnderZeroCap: 0,
    });
    const config = readAgentConfig({ config: target.configFile, state: target.state, environment: {} });
    const [row] = target.query<{ figures: string }>("select * from drills");
    expect(row).toMatchObject({
      name: "cap",
      passed: 1,
      error: null,
      config_hash: configHash(config),
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      host: expect.stringMatching(/./),
      file: expect.stringMatching(/^drill-cap-\d{4}-\d{2}-\d{2}\.md$/),
    });
    expect(JSON.parse(row!.figures)).toEqual(result.figures);
    expect(target.logs().find(({ event }) => event === "drill_done")).toMatchObject({
      level: "info",
      name: "cap",
      passed: true,
      figures: result.figures,
    });
    for (const part of [
      "# Drill cap: PASSED",
      "## What was done",
      "## Figures",
      "$2.50",
      "    afk drill cap",
    ])
      expect(record).toContain(part);
    // Nothing of the drill is in the real agent's books.
    expect(target.query("select * from ledger")).toEqual([]);
    expect(target.query("select * from alerts")).toEqual([]);
    expect(target.query("select * from jobs")).toEqual([]);
  });

  it.each([0, 0.000_05, 0.01, 1_000_000])("passes with a daily cap of $%d", async (cap) => {
    const { result } = await drill("cap", {
      changes: { budget: { daily_cap_usd: cap, hourly_cap_usd: cap / 2, monthly_cap_usd: cap } },
    });
    expect(result).toMatchObject({ passed: true, figures: { requestsUnderZeroCap: 0 } });
  });

  it("fails when the cap cannot be reached", async () => {
    const effects = altered((scratch) => {
      if (scratch.budget.daily_cap_usd === 1) scratch.budget.daily_cap_usd = 1_000;
    });
    await expectFailure(await drill("cap", { effects }), /cap of \$1\.00 is reached.*none was refused/);
  });

  it("fails when the tick under a cap of 0 makes its requests all the same", async () => {
    const effects = altered((scratch) => {
      if (scratch.budget.daily_cap_usd === 0) scratch.budget.daily_cap_usd = 1;
    });
    await expectFailure(await drill("cap", { effects }), /the tick is halted/);
  });

  it("fails when another rail than the day's cap refuses", async () => {
    const effects = altered((scratch) => {
      scratch.budget.monthly_cap_usd = 0.5;
    });
    await expectFailure(
      await drill("cap", { effects }),
      /the day's cap refuses call 2; found: capped: the month cap/,
    );
  });
});

describe("hourly", () => {
  it("passes with the hour's cap of the configuration", async () => {
    const { result, record } = await drill("hourly", { changes: { budget: { hourly_cap_usd: 0.25 } } });
    expect(result).toMatchObject({
      passed: true,
      figures: { capMicros: 250_000, requestsAfterRefusal: 2, requestsAnHourLater: 3 },
    });
    expect(record).not.toContain("differs from the configuration");
  });

  it("drills a stated cap where the configuration has none, and says so", async () => {
    const { result, record } = await drill("hourly");
    expect(result.passed).toBe(true);
    expect(record).toContain("The hour's cap is $0.25, since afk.yaml has none.");
  });

  it("fails when the hour's cap is not there", async () => {
    const effects = altered((scratch) => {
      delete scratch.budget.hourly_cap_usd;
      scratch.budget.daily_cap_usd = 100;
    });
    await expectFailure(await drill("hourly", { effects }), /hour's cap of \$0\.25 is reached/);
  });
});

describe("breaker", () => {
  it("passes with the threshold and the cooldown of the configuration", async () => {
    const { result } = await drill("breaker", {
      changes: { breaker: { failures: 3, cooldown: "90s", max_cooldown: "2m" } },
    });
    expect(result).toMatchObject({
      passed: true,
      figures: { failuresToOpen: 3, cooldownMs: 90_000, requests: 6 },
    });
  });

  it("passes with a threshold of one failure", async () => {
    expect((await drill("breaker", { changes: { breaker: { failures: 1 } } })).result.passed).toBe(true);
  });

  it("fails when the breaker opens later than the configuration says", async () => {
    const effects = altered((scratch) => {
      scratch.breaker.failures = 6;
    });
    await expectFailure(await drill("breaker", { effects }), /open after the last of them; found: closed/);
  });

  it("fails when the breaker opens sooner", async () => {
    const effects = altered((scratch) => {
      scratch.breaker.failures = 4;
    });
    await expectFailure(await drill("breaker", { effects }), /it is closed before failure 5; found: open/);
  });
});

describe("dead-letter", () => {
  it("passes with the attempts of the configuration", async () => {
    const { result } = await drill("dead-letter", { changes: { job: { retry: { attempts: 7 } } } });
    expect(result).toMatchObject({ passed: true, figures: { attempts: 7, requests: 1 } });
  });

  it("fails when the job goes on for longer than it may", async () => {
    const effects = altered(({ jobs: [job] }) => Object.assign(job!, { retry: { attempts: 9 } }));
    await expectFailure(await drill("dead-letter", { effects }), /the job is dead after 5 attempts/);
  });
});

describe("fallback", () => {
  it("passes", async () => {
    const { result } = await drill("fallback");
    expect(result).toMatchObject({ passed: true, figures: { requests: 2, fallbacks: 2 } });
  });

  it("fails when the first model was never tried", async () => {
    const effects = altered(({ models }) => {
      models.chain = models.chain.slice(1);
    });
    await expectFailure(await drill("fallback", { effects }), /the second model answers/);
  });

  it("fails when there is no model behind the first", async () => {
    const effects = altered(({ models }) => {
      models.chain = models.chain.slice(0, 1);
    });
    await expectFailure(await drill("fallback", { effects }), /the second model answers.*found: failed/);
  });
});

describe("source-down", () => {
  it("passes", async () => {
    const { result } = await drill("source-down");
    expect(result.error).toBeNull();
    expect(result.figures.feedRequests).toBe(2);
  });

  it("fails when the source that should be down is not asked", async () => {
    const effects = altered(({ jobs: [job] }) => Object.assign(job!, { sources: [{ folder: "./inbox" }] }));
    await expectFailure(await drill("source-down", { effects }), /the feed was asked for; found: 0 times/);
  });

  it("fails when the source that should be down works", async () => {
    const endpoint = async () => {
      const real = await startModelEndpoint("ollama", { bytesPerToken: 1 });
      return {
        ...real,
        serve: (path: string) => real.serve(path, { status: 200, contentType: "text/xml", content: FEED }),
      };
    };
    await expectFailure(
      await drill("source-down", { effects: { endpoint } }),
      /names the source that is down/,
    );
  });
});

const FEED = `<rss version="2.0"><channel><title>T</title><link>http://127.0.0.1/</link><description>D</description>
<item><title>One</title><guid>1</guid><description>One item.</description></item></channel></rss>`;

it.each(["cap", "hourly", "breaker", "dead-letter", "fallback", "source-down"])(
  "%s fails when nothing listens at the endpoint, so that a count of 0 would prove nothing",
  async (name) => {
    const endpoint = async () => ({
      ...(await startModelEndpoint("ollama", { bytesPerToken: 1 })),
      url: await unusedUrl(),
    });
    const { result } = await drill(name, { effects: { endpoint }, patienceMs: 300 });
    expect(result).toMatchObject({ passed: false, error: expect.stringMatching(/^expected: /) });
  },
);

it.each(["cap", "hourly", "breaker", "dead-letter", "fallback", "source-down"])(
  "%s passes under the narrowest limits that a configuration can have",
  async (name) => {
    const { result } = await drill(name, {
      changes: {
        budget: {
          daily_cap_usd: 0.01,
          hourly_cap_usd: 0,
          job_cap_usd: 0,
          tick_cap_usd: 0,
          warning_thresholds: [],
        },
        models: { on_cap: "fallback", max_output_tokens: 1 },
        breaker: {
          failures: 1,
          cooldown: "1s",
          max_cooldown: "1s",
          calls_per_minute: 1,
          same_request_per_hour: 2,
          usd_per_five_minutes: 0.000_001,
        },
        job: { retry: { attempts: 1 } },
        rest: { egress: { requests_per_minute: 1 }, timezone: "Pacific/Kiritimati" },
      },
    });
    expect(result.error).toBeNull();
  },
);

it("fails, and leaves nothing behind, when the endpoint cannot be started", async () => {
  const endpoint = () => Promise.reject(new Error("no port is free"));
  await expectFailure(await drill("cap", { effects: { endpoint } }), /no port is free/);
});

/** Effects that change the scratch configuration behind the drill's back. */
function altered(change: (scratch: Scratch) => void): Partial<Effects> {
  return {
    configure(content) {
      change(content as Scratch);
      return content;
    },
  };
}
