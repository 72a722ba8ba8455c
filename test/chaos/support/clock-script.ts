import type { Randomness } from "../../../src/lib/ids.ts";
import type { FakeClock } from "../../support/fake-clock.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export const ZONES = [
  "UTC",
  "Europe/Berlin",
  "America/New_York",
  "America/St_Johns",
  "Australia/Lord_Howe",
  "Pacific/Chatham",
  "Asia/Kathmandu",
  "Africa/Casablanca",
  "America/Santiago",
  "Pacific/Kiritimati",
];

/** What happens to a machine's clocks. `ms` is for the wall clock, or both where time really passes. */
export type Step = {
  do: "wait" | "set" | "drift" | "suspend" | "uptime" | "reboot" | "accept";
  ms: number;
};

/** A step that real machines make: mostly time that passes, sometimes a clock that is set, by up to 400 days. */
export function randomStep({ random }: Randomness): Step {
  const upTo = (ms: number) => Math.floor(random() * ms);
  const around = (ms: number) => Math.floor((2 * random() - 1) * ms);
  const share = random();
  if (share < 0.3) return { do: "wait", ms: upTo(20 * MINUTE) };
  if (share < 0.5) return { do: "wait", ms: upTo(9 * HOUR) };
  if (share < 0.55) return { do: "wait", ms: upTo(40 * DAY) };
  if (share < 0.65) return { do: "drift", ms: around(90_000) };
  if (share < 0.75) return { do: "set", ms: around(400 * DAY) };
  if (share < 0.83) return { do: "set", ms: around(3 * HOUR) };
  if (share < 0.88) return { do: "suspend", ms: upTo(2 * DAY) };
  if (share < 0.92) return { do: "uptime", ms: upTo(2 * DAY) };
  if (share < 0.97) return { do: "reboot", ms: random() < 0.5 ? upTo(3 * DAY) : around(400 * DAY) };
  return { do: "accept", ms: 0 };
}

export function applyStep(clock: FakeClock, { do: kind, ms }: Step): void {
  switch (kind) {
    case "wait":
      clock.advance(ms);
      return;
    case "set":
    case "drift":
    case "suspend":
      // Suspended, the uptime of some machines stands still, as if the clock had been set.
      clock.jump(ms);
      return;
    case "uptime":
      // Of others it goes on while the wall clock stands still.
      clock.advance(ms);
      clock.jump(-ms);
      return;
    case "reboot":
      clock.reboot(ms);
      return;
    case "accept":
      return;
  }
}

/** The most that any span of `spanMs` holds, of figures at instants in ascending order. */
export function mostWithin(figures: { atMs: number; micros: number }[], spanMs: number): number {
  let most = 0;
  let sum = 0;
  let first = 0;
  for (const { atMs, micros } of figures) {
    sum += micros;
    for (let head = figures[first]; head !== undefined && head.atMs <= atMs - spanMs; head = figures[first]) {
      sum -= head.micros;
      first += 1;
    }
    most = Math.max(most, sum);
  }
  return most;
}
