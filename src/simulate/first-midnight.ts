import type { SeededRandom } from "../faults/seeded-random.ts";
import { instantIn } from "../lib/zone.ts";

/** Shortly before the clocks of Europe or America change. */
const BEFORE_CHANGES = [
  { year: 2026, month: 3, day: 27 },
  { year: 2026, month: 10, day: 23 },
  { year: 2027, month: 3, day: 12 },
  { year: 2027, month: 11, day: 5 },
] as const;

/** When a simulation begins: some day within two years and, one time in three, just before the clocks change. */
export function firstMidnight(timezone: string, random: SeededRandom): number {
  const any = { year: 2026 + random.below(2), month: random.between(1, 12), day: random.between(1, 28) };
  const date = random.chance(1 / 3) ? random.of(BEFORE_CHANGES) : any;
  return instantIn(timezone, { ...date, hour: 0, minute: 0, second: 0 });
}
