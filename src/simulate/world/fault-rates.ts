import type { SeededRandom } from "../../faults/seeded-random.ts";
import type { FaultName } from "../fault-names.ts";

/** How likely the services outside are to fail: a little always, and much during an outage. */
export type FaultRates = ReturnType<typeof createFaultRates>;

const ALWAYS = 0.02;

/** Rates without an outage; only kinds that are enabled fail. */
export function createFaultRates(enabled: ReadonlySet<FaultName>, random: SeededRandom) {
  const outages = new Map<symbol, { kind: FaultName; share: number }>();
  let isCleared = false;
  const worst = (kind: FaultName) =>
    Math.max(0, ...[...outages.values()].filter((outage) => outage.kind === kind).map(({ share }) => share));
  return {
    /** The share of requests of this kind that go wrong now. */
    rate: (kind: FaultName) => (isCleared || !enabled.has(kind) ? 0 : Math.max(ALWAYS, worst(kind))),
    /** Begins an outage, which the returned function ends; a second one may begin meanwhile. */
    startOutage(kind: FaultName) {
      const id = Symbol(kind);
      outages.set(id, { kind, share: random.of([0.3, 0.7, 1]) });
      return () => outages.delete(id);
    },
    /** No faults from now on. */
    clear() {
      isCleared = true;
      outages.clear();
    },
  };
}
