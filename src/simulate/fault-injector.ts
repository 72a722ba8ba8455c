import { readFileSync, utimesSync, writeFileSync } from "node:fs";
import { formatDuration } from "../lib/duration-text.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../lib/durations.ts";
import { formatUsd } from "../lib/money.ts";
import { stopByRow } from "../ops/stop.ts";
import type { Stage } from "./context.ts";
import type { Dice } from "./environment/seeded-random.ts";
import type { FaultName } from "./fault-names.ts";
import { setKillRow } from "./set-kill-row.ts";

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
 * Sets when what goes wrong, for all of the days. How much of each there is differs from seed to seed, and some has none
 * of some, so that faults are met alone as well as together.
 */
export function planMishaps(
  stage: Stage,
  options: { days: number; faults: readonly FaultName[]; dice: Dice },
): void {
  const { days, faults, dice } = options;
  for (const fault of faults) {
    const share = faults.length < 3 ? 1 : dice.of([0, 0.5, 1, 2]);
    for (let day = 0; day < days; day++) {
      let expected = PER_DAY[fault] * share;
      for (; expected > 0; expected -= 1) {
        if (!dice.chance(Math.min(1, expected))) continue;
        const atMs = (day + dice.random()) * DAY_MS;
        stage.realm.time.alarm("world", atMs, () => HAPPEN[fault](stage, dice));
      }
    }
  }
}

type Mishap = (stage: Stage, dice: Dice) => void;

const HAPPEN: Record<FaultName, Mishap> = {
  sources: storm("sources", 12),
  models: storm("models", 8),
  channels: storm("channels", 30),

  kills(stage, dice) {
    const steps = dice.of([12, 12, 60, 400]);
    const side = dice.of(["before", "after"]);
    const { disk, time } = stage.realm;
    const kill = () => {
      stage.note("kills", "the worker is killed");
      stage.machine.kill();
    };
    const afterMs = dice.between(1, 3_000);
    if (dice.chance(0.6)) stage.hands.inFlight = () => void time.alarm("world", afterMs, kill);
    else disk.arm(disk.steps() + dice.between(1, steps), side, kill);
  },

  stops(stage, dice) {
    const isFile = dice.chance(0.5);
    const { disk, time } = stage.realm;
    if (isFile && dice.chance(0.4)) {
      const afterMs = dice.between(1, 2_000);
      stage.hands.inFlight = () => void time.alarm("world", afterMs, () => makeStopFile(stage));
    } else if (dice.chance(0.5)) {
      // In the middle of whatever is under way, by somebody else.
      disk.arm(disk.steps() + dice.between(1, dice.of([15, 100])), "after", () => {
        if (isFile) makeStopFile(stage);
        else if (setKillRow(stage.config.paths.database, disk, time.nowMs())) stage.note("stops", "afk stop");
      });
    } else if (isFile) makeStopFile(stage);
    else {
      stage.between.push(async () => {
        stage.note("stops", "afk stop");
        const reason = "stopped by the simulation";
        await stage.machine.run(({ outbox }) => stopByRow(outbox, reason, time.nowMs()), { isFresh: true });
      });
    }
  },

  reboots(stage, dice) {
    const ms = dice.between(1, 10) * dice.of([MINUTE_MS, MINUTE_MS, HOUR_MS, 8 * HOUR_MS]);
    const off = () => {
      stage.note("reboots", `the machine is off for ${formatDuration(ms)}`);
      stage.machine.powerOff(ms);
    };
    const { disk } = stage.realm;
    if (dice.chance(0.5)) off();
    else disk.arm(disk.steps() + dice.between(1, 80), "before", off);
  },

  clock(stage, dice) {
    const { time, disk } = stage.realm;
    const size = dice.of([90_000, 20 * MINUTE_MS, 3 * HOUR_MS, 40 * HOUR_MS, 400 * DAY_MS]);
    const ms = Math.floor((2 * dice.random() - 1) * size);
    const set = () => {
      stage.note("clock", `the clock is set ${formatDuration(Math.abs(ms))} ${ms < 0 ? "back" : "ahead"}`);
      time.setWall(ms);
    };
    if (dice.chance(0.6)) set();
    else disk.arm(disk.steps() + dice.between(1, 80), "after", set);
    time.alarm("world", dice.between(1, 48) * HOUR_MS, () => {
      if (time.wallErrorMs() === 0) return;
      stage.note("clock", "the clock is set right");
      time.setWall(-time.wallErrorMs());
    });
  },

  disk(stage, dice) {
    const { disk, time } = stage.realm;
    if (disk.isFull()) return;
    const bytes = dice.below(dice.of([100_000, 2_000_000, 12_000_000]));
    stage.note("disk", `the disk has ${Math.round(bytes / 1_000)} kB left`);
    disk.setFree(bytes);
    time.alarm("world", dice.between(1, 12) * HOUR_MS, () => {
      stage.note("disk", "there is room on the disk again");
      disk.setFree(null);
    });
  },

  config(stage, dice) {
    const { configFile } = stage.config.paths;
    const how = dice.of([
      "an unknown key",
      "a cap that is no number",
      "a model without a price",
      "half a file",
    ]);
    const hours = dice.between(1, 5);
    stage.between.push(() => {
      if (stage.hands.isConfigBroken) return;
      const right = readFileSync(configFile, "utf8");
      stage.note("config", `afk.yaml is broken: ${how}`);
      stage.realm.disk.outside(() => writeFileSync(configFile, broken(right, how)));
      stage.hands.isConfigBroken = true;
      stage.realm.time.alarm("world", hours * HOUR_MS, () => {
        stage.between.push(() => {
          stage.note("config", "afk.yaml is put right");
          stage.realm.disk.outside(() => writeFileSync(configFile, right));
          stage.hands.isConfigBroken = false;
        });
      });
    });
  },

  caps(stage, dice) {
    const stated = stage.config.budget.dailyCapMicros;
    const micros = dice.of([null, 0, Math.floor(stated / 20), Math.floor(stated / 2), 2 * stated]);
    stage.between.push(() => {
      stage.note("caps", `the daily cap is ${micros === null ? "as afk.yaml says" : formatUsd(micros)}`);
      stage.hands.dailyCapMicros = micros;
    });
    stage.realm.time.alarm("world", dice.between(2, 30) * HOUR_MS, () => {
      stage.between.push(() => {
        stage.hands.dailyCapMicros = null;
      });
    });
  },
};

function storm(kind: FaultName, hoursMax: number): Mishap {
  return (stage, dice) => {
    const hours = dice.between(1, hoursMax);
    stage.note(kind, `${kind} in trouble for ${hours} h`);
    const end = stage.weather.storm(kind);
    stage.realm.time.alarm("world", hours * HOUR_MS, end);
  };
}

function makeStopFile(stage: Stage): void {
  const { stopFile } = stage.config.paths;
  const { time, disk } = stage.realm;
  stage.note("stops", "a STOP file is made");
  disk.outside(() => writeFileSync(stopFile, "made by the simulation\n"));
  utimesSync(stopFile, time.nowMs() / 1_000, time.nowMs() / 1_000);
  stage.hands.stopFileAtMs = time.elapsedMs();
}

function broken(
  right: string,
  how: "an unknown key" | "a cap that is no number" | "a model without a price" | "half a file",
): string {
  const content = JSON.parse(right) as Record<string, Record<string, unknown>>;
  switch (how) {
    case "an unknown key":
      return JSON.stringify({ ...content, budgett: {} });
    case "a cap that is no number":
      return JSON.stringify({ ...content, budget: { ...content.budget, job_cap_usd: "much" } });
    case "a model without a price":
      return JSON.stringify({
        ...content,
        models: { ...content.models, chain: ["openai/nobody-knows-its-price"] },
      });
    case "half a file":
      return right.slice(0, right.length / 2);
  }
}
