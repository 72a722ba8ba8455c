import { join } from "node:path";
import { expect, it } from "vitest";
import { readAgentConfig } from "../../src/agent.ts";
import type { Config } from "../../src/config/config.ts";
import { MODEL, type Plan, scratchConfig } from "../../src/drill/scratch-config.ts";
import { deployment, digestConfig } from "../support/afk.ts";
import { tempDir } from "../support/temp.ts";

const URL = "http://127.0.0.1:4";

it("has the real limits, and says nothing where it has all of them", () => {
  const real = realConfig();
  const { config, told } = scratch(real, {});

  expect(config.budget).toEqual(real.budget);
  expect(config.breaker).toEqual(real.breaker);
  expect(config.timezone).toBe(real.timezone);
  expect(config.models).toMatchObject({
    onCap: "fallback",
    maxOutputTokens: real.models.maxOutputTokens,
    timeoutMs: real.models.timeoutMs,
    chain: [MODEL],
    providers: { ollama: { baseUrl: URL } },
  });
  expect(told).toEqual([]);
});

it("has nothing by which the world outside could be reached", () => {
  const { config } = scratch(realConfig(), {});
  expect(config.egress).toMatchObject({ allow: [], allowPrivate: [] });
  expect(config.alerts).toEqual([]);
  expect(config.heartbeat.pingUrl).toBeNull();
  expect(config.dashboard.isEnabled).toBe(false);
  expect(config.jobs).toEqual([]);
  expect(config.secrets).toEqual([]);
});

it("states each limit that is another", () => {
  const real = realConfig();
  const day = scratch(real, { caps: "day" });
  expect(day.config.budget.caps).toEqual({ day_micros: 1_000_000 });
  expect(day.told.join()).toContain("left out, so that the day's cap");

  const hour = scratch(
    { ...real, budget: { ...real.budget, caps: { ...real.budget.caps, day_micros: 250_000 } } },
    { caps: "hour" },
  );
  expect(hour.config.budget.caps).toMatchObject({ day_micros: 1_000_000, hour_micros: 250_000 });
  expect(hour.told).toEqual([
    "The day's cap is $1.00, so that the hour's cap is the one that refuses.",
    "The month's cap is left out for the same reason.",
  ]);

  const zero = scratch(
    { ...real, budget: { ...real.budget, caps: { ...real.budget.caps, day_micros: 0 } } },
    {},
  );
  expect(zero.config.budget.caps).toMatchObject({ day_micros: 1_000_000, hour_micros: 250_000 });
  expect(zero.told.join()).toContain("A cap of 0 refuses every call");

  const rules = { ...real.breaker, callsPerMinute: 3, spendPerFiveMinutesMicros: 10 };
  const busy = scratch({ ...real, breaker: rules }, {});
  expect(busy.config.breaker).toMatchObject({ callsPerMinute: 60, spendPerFiveMinutesMicros: null });
  expect(busy.told).toHaveLength(2);
});

function realConfig(): Config {
  const target = deployment(
    digestConfig("http://10.1.2.3:11434", {
      budget: { hourly_cap_usd: 0.25, monthly_cap_usd: 20, job_cap_usd: 0.1, tick_cap_usd: 0.5 },
      models: { on_cap: "fallback" },
      breaker: {
        failures: 4,
        cooldown: "90s",
        max_cooldown: "1h",
        calls_per_minute: 70,
        same_request_per_hour: 9,
      },
      rest: {
        timezone: "Europe/Berlin",
        egress: { allow: ["example.org"] },
        alerts: [{ type: "webhook", url: "http://127.0.0.1:9/hook" }],
        heartbeat: { ping_url: "http://127.0.0.1:9/ping" },
      },
    }),
  );
  return readAgentConfig({ config: target.configFile, state: target.state, environment: {} });
}

/** The scratch configuration as the product reads it, and what was told of it. */
function scratch(real: Config, plan: Plan): { config: Config; told: string[] } {
  const told: string[] = [];
  const target = deployment(scratchConfig(real, URL, plan, (words) => void told.push(words)));
  const state = join(tempDir(), "state");
  return { config: readAgentConfig({ config: target.configFile, state, environment: {} }), told };
}
