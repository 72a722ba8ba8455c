import type { Row, Tools } from "./benchmark.ts";
import { quantile, type Spread, spreadOf } from "./statistics.ts";

/** One of the things that are compared. */
export interface Side {
  /** One operation; only this is measured. */
  operation(): unknown;
  /** Before each round, unmeasured. */
  prepare?(): unknown;
}

export interface Compared {
  /** Subject by baseline, of each round's mean. */
  ratio: Spread;
  /** The subject's 99th percentile by the baseline's, over all rounds; each with as many samples. */
  p99Ratio: number;
  /** Means of the rounds, in microseconds. */
  subjectUs: Spread;
  baselineUs: Spread;
}

/**
 * Measures two things in turn, A B A B, so that whatever the machine does meanwhile happens to both. Each round runs a
 * number of operations of the one and then as many of the other, and gives one ratio. The first round is not counted:
 * code is compiled in it and files are read for the first time.
 */
export async function compare(
  tools: Pick<Tools, "calibrate">,
  sides: { baseline: Side; subject: Side },
  { rounds, operations }: { rounds: number; operations: number },
): Promise<Compared> {
  const all = { baseline: [] as number[], subject: [] as number[] };
  const means = { baseline: [] as number[], subject: [] as number[] };
  for (let round = 0; round <= rounds; round++) {
    for (const name of ["baseline", "subject"] as const) {
      const samples = await timed(sides[name], operations);
      if (round === 0) continue;
      all[name].push(...samples);
      means[name].push(samples.reduce((sum, us) => sum + us, 0) / samples.length);
    }
    tools.calibrate();
  }
  return {
    ratio: spreadOf(means.subject.map((us, round) => us / (means.baseline[round] ?? Number.NaN))),
    p99Ratio: quantile(all.subject, 0.99) / quantile(all.baseline, 0.99),
    subjectUs: spreadOf(means.subject),
    baselineUs: spreadOf(means.baseline),
  };
}

async function timed(side: Side, operations: number): Promise<number[]> {
  await side.prepare?.();
  const samples: number[] = [];
  for (let count = 0; count < operations; count++) {
    const startedMs = performance.now();
    const pending = side.operation();
    // A baseline that works at once is not charged for a turn of the event loop.
    if (pending instanceof Promise) await pending;
    samples.push((performance.now() - startedMs) * 1_000);
  }
  return samples;
}

/** The usual row of a comparison: how many times the baseline's time it took. */
export function timeRow(subject: string, baseline: string, compared: Compared, goal: Row["goal"]): Row {
  const sides = `${us(compared.subjectUs.median)} against ${us(compared.baselineUs.median)}`;
  return { subject, baseline, result: { type: "ratio", ratio: compared.ratio, sides }, goal };
}

/** The same as a speed: how many times as many operations in the same time. */
export function speedRow(subject: string, baseline: string, compared: Compared, goal: Row["goal"]): Row {
  const { ratio } = compared;
  const speed = { median: 1 / ratio.median, q1: 1 / ratio.q3, q3: 1 / ratio.q1, count: ratio.count };
  const sides = `${us(compared.subjectUs.median)} against ${us(compared.baselineUs.median)} each`;
  return { subject, baseline, result: { type: "ratio", ratio: speed, sides }, goal };
}

function us(microseconds: number): string {
  return microseconds >= 10_000
    ? `${(microseconds / 1_000).toFixed(1)} ms`
    : `${microseconds.toFixed(microseconds < 100 ? 1 : 0)} us`;
}
