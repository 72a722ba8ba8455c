import { readFileSync, utimesSync, writeFileSync } from "node:fs";
import type { SeededRandom } from "../faults/seeded-random.ts";
import { formatDuration } from "../lib/duration-text.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../lib/durations.ts";
import { formatUsd, MICROS_PER_USD } from "../lib/money.ts";
import { stopByRow } from "../ops/stop.ts";
import type { FaultName } from "./fault-names.ts";
import type { SimulationContext } from "./set-up.ts";

/** How often a day, on average, in a simulation that has its full share of it. */
const PER_DAY: Record<FaultName, number> = {
  sources: 0.5,
  models: 0.6,
  channels: 0.3,
  kills: 1.5,
  stops: 0.35,
  reboots: 0.35,
  clock: 0.35,
  disk: 0.25,
  config: 0.15,
  caps: 0.2,
};

/**
 * Sets an alarm for each fault of all the days. How often a fault happens differs from seed to seed, down to never, so
 * that faults are met alone as well as together.
 */
export function planFaults(
  context: SimulationContext,
  options: { days: number; faults: readonly FaultName[]; random: SeededRandom },
): void {
  const { days, faults, random } = options;
  for (const fault of faults) {
    const share = faults.length < 3 ? 1 : random.of([0, 0.5, 1, 2]);
    for (let day = 0; day < days; day++) {
      for (let expected = PER_DAY[fault] * share; expected > 0; expected -= 1) {
        if (!random.chance(Math.min(1, expected))) continue;
        const atMs = (day + random.random()) * DAY_MS;
        context.environment.time.alarm("world", atMs, () => INJECTIONS[fault](context, random));
      }
    }
  }
}

type Injection = (context: SimulationContext, random: SeededRandom) => void;

const INJECTIONS: Record<FaultName, Injection> = {
  sources: outage("sources", 12),
  models: outage("models", 8),
  channels: outage("channels", 30),

  kills(context, random) {
    injectAt(context, random, random.of(["request", "request", "step"]), () => {
      context.note("kills", "the worker is killed");
      context.machine.kill();
    });
  },

  stops(context, random) {
    const { disk, time } = context.environment;
    const reason = "stopped by the simulation";
    const stop = () => {
      // In the middle of whatever is under way, by another process: not where the database is busy.
      const sql = "update kill_switch set set_at = ?, reason = ? where id = 1 and set_at is null";
      if (disk.runSql(context.config.paths.database, sql, time.nowMs(), reason))
        context.note("stops", "afk stop");
    };
    const stopByCommand = async () => {
      context.note("stops", "afk stop");
      await context.machine.run((agent) => stopByRow(agent, reason, time), { isFresh: true });
    };
    const how = random.of(["file", "file", "row", "command"]);
    if (how === "row") injectAt(context, random, "step", stop);
    else if (how === "command") context.between.push(stopByCommand);
    else injectAt(context, random, random.of(["request", "step", "now"]), () => makeStopFile(context));
  },

  reboots(context, random) {
    const ms = random.between(1, 10) * random.of([MINUTE_MS, MINUTE_MS, HOUR_MS, 8 * HOUR_MS]);
    injectAt(context, random, random.of(["now", "step"]), () => {
      context.note("reboots", `the machine is off for ${formatDuration(ms)}`);
      context.machine.powerOff(ms);
    });
  },

  clock(context, random) {
    const { time } = context.environment;
    const size = random.of([90_000, 20 * MINUTE_MS, 3 * HOUR_MS, 40 * HOUR_MS, 400 * DAY_MS]);
    const ms = Math.floor((2 * random.random() - 1) * size);
    injectAt(context, random, random.of(["now", "step"]), () => {
      context.note("clock", `the clock is set ${formatDuration(Math.abs(ms))} ${ms < 0 ? "back" : "ahead"}`);
      time.setWall(ms);
    });
    time.alarm("world", random.between(1, 48) * HOUR_MS, () => {
      if (time.wallErrorMs() === 0) return;
      context.note("clock", "the clock is set right");
      time.setWall(-time.wallErrorMs());
    });
  },

  disk(context, random) {
    const { disk, time } = context.environment;
    if (disk.isFull()) return;
    const bytes = random.below(random.of([100_000, 2_000_000, 12_000_000]));
    context.note("disk", `the disk has ${Math.round(bytes / 1_000)} kB left`);
    disk.setFree(bytes);
    time.alarm("world", random.between(1, 12) * HOUR_MS, () => {
      context.note("disk", "there is room on the disk again");
      disk.setFree(null);
    });
  },

  config(context, random) {
    const { overrides, environment, config, between } = context;
    const [how, broken] = random.of(BROKEN);
    const hours = random.between(1, 5);
    const write = (text: string, isBroken: boolean) => {
      context.note("config", isBroken ? `afk.yaml is broken: ${how}` : "afk.yaml is put right");
      environment.disk.outside(() => writeFileSync(config.paths.configFile, text));
      overrides.isConfigBroken = isBroken;
    };
    between.push(() => {
      if (overrides.isConfigBroken) return;
      const right = readFileSync(config.paths.configFile, "utf8");
      write(broken(right), true);
      environment.time.alarm("world", hours * HOUR_MS, () => {
        context.between.push(() => write(right, false));
      });
    });
  },

  caps(context, random) {
    const stated = context.config.budget.caps.day_micros ?? MICROS_PER_USD;
    const micros = random.of([null, 0, Math.floor(stated / 20), Math.floor(stated / 2), 2 * stated]);
    context.between.push(() => {
      context.note("caps", `the daily cap is ${micros === null ? "as afk.yaml says" : formatUsd(micros)}`);
      context.overrides.dailyCapMicros = micros;
    });
    context.environment.time.alarm("world", random.between(2, 30) * HOUR_MS, () => {
      context.between.push(() => {
        context.overrides.dailyCapMicros = null;
      });
    });
  },
};

/** Acts at once, around one of the next durable steps, or a moment after the next request to a model. */
function injectAt(
  { environment: { disk, time }, overrides }: SimulationContext,
  random: SeededRandom,
  when: "now" | "step" | "request",
  act: () => void,
): void {
  const steps = random.between(1, random.of([12, 12, 60, 400]));
  const afterMs = random.between(1, 3_000);
  if (when === "now") act();
  else if (when === "step") disk.arm(disk.steps() + steps, random.of(["before", "after"]), act);
  else overrides.inFlight = () => void time.alarm("world", afterMs, act);
}

function outage(kind: FaultName, hoursMax: number): Injection {
  return (context, random) => {
    const hours = random.between(1, hoursMax);
    context.note(kind, `${kind} in trouble for ${hours} h`);
    const end = context.faultRates.startOutage(kind);
    context.environment.time.alarm("world", hours * HOUR_MS, end);
  };
}

function makeStopFile(context: SimulationContext): void {
  const { stopFile } = context.config.paths;
  const { time, disk } = context.environment;
  context.note("stops", "a STOP file is made");
  disk.outside(() => writeFileSync(stopFile, "made by the simulation\n"));
  utimesSync(stopFile, time.nowMs() / 1_000, time.nowMs() / 1_000);
  context.overrides.stopFileAtMs = time.elapsedMs();
}

/** Ways in which afk.yaml breaks, each with what it makes of the text. */
const BROKEN: readonly [Break, ...Break[]] = [
  ["an unknown key", (text) => altered(text, { budgett: {} })],
  ["a cap that is no number", (text) => altered(text, { budget: { job_cap_usd: "much" } })],
  [
    "a model without a price",
    (text) => altered(text, { models: { chain: ["openai/nobody-knows-its-price"] } }),
  ],
  ["half a file", (text) => text.slice(0, text.length / 2)],
];

type Break = readonly [string, (text: string) => string];

function altered(text: string, sections: Record<string, object>): string {
  const content: Record<string, object> = JSON.parse(text);
  for (const [name, section] of Object.entries(sections)) content[name] = { ...content[name], ...section };
  return JSON.stringify(content);
}
