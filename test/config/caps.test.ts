import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadCaps } from "../../src/config/load.ts";
import { readConfig } from "../../src/ops/read-config.ts";
import { tempDir } from "../support/temp.ts";

const JOB = { name: "brief", kind: "exec", command: ["true"] };

function fileOf(content: unknown): { config: string; environment: Record<string, string> } {
  const config = join(tempDir(), "afk.yaml");
  writeFileSync(config, JSON.stringify(content));
  return { config, environment: {} };
}

async function load(budget: unknown, more: { models?: unknown; jobs?: unknown; environment?: object } = {}) {
  const { jobKinds } = await import("../../src/jobs/registry.ts");
  const { environment, models = { chain: ["extractive"] }, jobs = [] } = more;
  const sources = fileOf({ agent: "test", budget, models, jobs });
  return readConfig({ ...sources, environment: { ...environment } }, () => jobKinds).budget;
}

describe("caps in each unit", () => {
  it("are read for every window, and of a job by its name", async () => {
    const caps = { run_usd: 0.1, daily_usd: 0.3, run_calls: 50, weekly_tokens: 900 };
    const budget = await load(
      { daily_cap_calls: 500, weekly_cap_usd: 5, tick_cap_tokens: 7 },
      { jobs: [{ ...JOB, caps }] },
    );
    expect(budget).toMatchObject({
      caps: { day_calls: 500, week_micros: 5_000_000, tick_tokens: 7 },
      owners: {
        job: { brief: { job_micros: 100_000, day_micros: 300_000, job_calls: 50, week_tokens: 900 } },
      },
    });
  });

  it("come from the host over the file, whole numbers for tokens and calls", async () => {
    const environment = { WEEKLY_CAP_USD: "2", DAILY_CAP_TOKENS: "1000", HOURLY_CAP_CALLS: "3" };
    const { caps } = await load({ daily_cap_calls: 9, weekly_cap_usd: 5 }, { environment });
    expect(caps).toEqual({ hour_calls: 3, day_calls: 9, day_tokens: 1_000, week_micros: 2_000_000 });
    await expect(load({ daily_cap_calls: 9 }, { environment: { DAILY_CAP_CALLS: "1.5" } })).rejects.toThrow(
      'DAILY_CAP_CALLS: found "1.5"; write calls as a plain whole number',
    );
  });

  it("of a day or shorter there is at least one, and one in dollars where a model costs money", async () => {
    await expect(load({ weekly_cap_usd: 1, tick_cap_calls: 1 })).rejects.toThrow(
      "budget.daily_cap_usd: missing",
    );
    const models = { chain: ["openai/priced"], prices: { "openai/priced": { input: 1, output: 1 } } };
    await expect(load({ daily_cap_calls: 5 }, { models })).rejects.toThrow("since openai/priced costs money");
    expect(await load({ daily_cap_calls: 5, daily_cap_usd: 1 }, { models })).toHaveProperty(
      "caps.day_calls",
      5,
    );
  });

  it("are wanted in dollars where a program of a job may use every model that has a price", async () => {
    const withGateway = { jobs: [{ ...JOB, gateway: true }] };
    await expect(load({ daily_cap_calls: 5 }, withGateway)).rejects.toThrow(
      "since the gateway offers every model that has a price",
    );
    expect(await load({ daily_cap_usd: 0 }, withGateway)).toHaveProperty("caps.day_micros", 0);
  });

  it("of a refused file still lower what holds, those of its jobs too", () => {
    const { config } = fileOf({
      agnet: "mistyped",
      budget: { daily_cap_calls: 4, daily_cap_usd: "much" },
      jobs: [{ ...JOB, caps: { daily_calls: 2 } }],
    });
    expect(loadCaps(config, {})).toEqual({
      caps: { day_calls: 4 },
      owners: { job: { brief: { day_calls: 2 } }, client: {} },
    });
  });
});
