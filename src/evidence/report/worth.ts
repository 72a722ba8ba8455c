import { MICROS_PER_USD } from "../../lib/money.ts";

/**
 * What units of output save, in micro-dollars: `units x minutes / 60 x rate`, rounded down, as what is charged is
 * rounded up. Minutes and rate may have fractions, so they count in millionths and nothing is lost before the end.
 */
export function savedMicros(units: number, minutesPerUnit: number, hourlyRateUsd: number): number {
  const millionths = (value: number) => BigInt(Math.round(value * MICROS_PER_USD));
  const exact = BigInt(units) * millionths(minutesPerUnit) * millionths(hourlyRateUsd);
  return Number(exact / BigInt(60 * MICROS_PER_USD));
}

/** Value out for each dollar in, in thousandths, rounded down; null where nothing was put in, which no ratio says. */
export function ratioThousandths(saved: number, costMicros: number): number | null {
  return costMicros === 0 ? null : Number((BigInt(saved) * 1000n) / BigInt(costMicros));
}

/** Dollars in and value out. All of it in micro-dollars but the ratio. */
export interface Worth {
  units: number;
  minutesSaved: number;
  /** What was charged: settled, and at its worst case what is under way or of unknown outcome. */
  costMicros: number;
  /** Value out: what the time saved is worth. */
  savedMicros: number;
  /** `savedMicros - costMicros`. */
  netMicros: number;
  /** Value out for each dollar in; null where nothing was put in. */
  ratio: number | null;
}

export function worthOf(parts: {
  units: number;
  minutesSaved: number;
  costMicros: number;
  savedMicros: number;
}): Worth {
  const thousandths = ratioThousandths(parts.savedMicros, parts.costMicros);
  return {
    ...parts,
    netMicros: parts.savedMicros - parts.costMicros,
    ratio: thousandths === null ? null : thousandths / 1000,
  };
}
