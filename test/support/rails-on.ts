import { join } from "node:path";
import type { AlertPayload } from "../../src/alerts/events.ts";
import { createOutbox } from "../../src/alerts/outbox.ts";
import type { BudgetConfig } from "../../src/config/config.ts";
import type { Fields, Level, Log } from "../../src/lib/log.ts";
import type { Caps } from "../../src/lib/windows.ts";
import { createKillWatch } from "../../src/rails/kill-watch.ts";
import type { Rails } from "../../src/rails/rails.ts";
import type { Store } from "../../src/store/store.ts";
import { type FakeClock, fakeClock } from "./fake-clock.ts";

/** Caps of the agent, and whatever else a test changes of a budget. */
export type TestBudget = Caps & Partial<Omit<BudgetConfig, "caps">>;

/** A budget with these caps; one that is undefined is none. */
export function budgetOf({ owners, warningThresholds, ...caps }: TestBudget): BudgetConfig {
  return {
    caps: Object.fromEntries(Object.entries(caps).filter(([, cap]) => cap !== undefined)),
    owners: owners ?? { job: {}, client: {} },
    warningThresholds: warningThresholds ?? [0.5, 0.8],
  };
}

export interface RailsOptions {
  /** Over a daily cap of one dollar and nothing else. */
  budget?: TestBudget;
  timezone?: string;
  breaker?: Partial<Rails["breaker"]>;
  clock?: FakeClock;
  stopFile?: string;
  onAlert?: (alert: AlertPayload) => void;
}

export interface RailsOn extends Rails {
  clock: FakeClock;
  dir: string;
  /** Every line that was logged. */
  logged: { level: Level; event: string; fields: Fields }[];
}

/** Rails on an open store, wired as src/agent.ts wires them. Needs no test runner, so that child processes can use it. */
export function railsOn(store: Store, dir: string, options: RailsOptions = {}): RailsOn {
  const logged: RailsOn["logged"] = [];
  const log = collecting(logged, {});
  const clock = options.clock ?? fakeClock();
  const stopFile = options.stopFile ?? join(dir, "STOP");
  return {
    store,
    outbox: createOutbox({
      timezone: "UTC",
      agent: "test-agent",
      clock,
      log,
      redact: (text) => text,
      onAlert: options.onAlert,
    }),
    clock,
    log,
    logged,
    dir,
    budget: {
      timezone: options.timezone ?? "UTC",
      budget: budgetOf({ day_micros: 1_000_000, ...options.budget }),
    },
    breaker: {
      failures: 5,
      cooldownMs: 300_000,
      maxCooldownMs: 21_600_000,
      callsPerMinute: 100_000,
      sameRequestPerHour: 100_000,
      spendPerFiveMinutesMicros: null,
      ...options.breaker,
    },
    stopFile,
    machine: null,
    watch: createKillWatch(store, stopFile),
  };
}

function collecting(logged: RailsOn["logged"], shared: Fields): Log {
  return {
    event: (level, event, fields = {}) =>
      void logged.push({ level, event, fields: { ...shared, ...fields } }),
    child: (fields) => collecting(logged, { ...shared, ...fields }),
  };
}
