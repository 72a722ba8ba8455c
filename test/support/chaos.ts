import { expect } from "vitest";

/**
 * How long an attack runs: `test` cases in `npm test`, `chaos` in `npm run chaos`. AFK_CASES overrides both.
 */
export function cases(counts: { test: number; chaos: number }): number {
  const stated = Number(process.env.AFK_CASES);
  if (Number.isInteger(stated) && stated > 0) return stated;
  return isChaos() ? counts.chaos : counts.test;
}

export function isChaos(): boolean {
  return process.env.AFK_CHAOS === "1";
}

/** A time limit that grows with the number of cases, for the attacks that `npm run chaos` runs longer. */
export function patience(ms: { test: number; chaos: number }): number {
  return isChaos() ? ms.chaos : ms.test;
}

/** The seed of this run, printed so that AFK_SEED repeats it. */
export function chaosSeed(attack: string): number {
  const stated = Number(process.env.AFK_SEED);
  const seed = Number.isInteger(stated) && stated > 0 ? stated : Math.floor(Math.random() * 2 ** 31) + 1;
  process.stdout.write(`${attack}: seed ${seed} (AFK_SEED=${seed} repeats it)\n`);
  return seed;
}

/** Says how many cases an attack ran; one that ran none has failed. */
export function report(attack: string, count: number, figures = ""): void {
  process.stdout.write(`${attack}: ${count} cases${figures === "" ? "" : `, ${figures}`}\n`);
  expect(count).toBeGreaterThan(0);
}
