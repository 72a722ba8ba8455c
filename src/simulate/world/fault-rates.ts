import type { SeededRandom } from "../../faults/seeded-random.ts";
import type { FaultName } from "../fault-names.ts";

/** How likely the services outside are to fail: a little always, and much in a storm. */
export interface FaultRates {
  /** The share of requests of this kind that go wrong now. */
  trouble(kind: FaultName): number;
  isStormy(kind: FaultName): boolean;
  /** A storm of this kind until the returned function ends it; a second one may begin meanwhile. */
  storm(kind: FaultName): () => void;
  /** Fair faultRates from now on. */
  calm(): void;
}

const ALWAYS = 0.02;

export function createFaultRates(enabled: ReadonlySet<FaultName>, random: SeededRandom): FaultRates {
  const storms = new Map<symbol, { kind: FaultName; share: number }>();
  let isCalm = false;
  const worst = (kind: FaultName) =>
    Math.max(0, ...[...storms.values()].filter((storm) => storm.kind === kind).map(({ share }) => share));
  return {
    trouble: (kind) => (isCalm || !enabled.has(kind) ? 0 : Math.max(ALWAYS, worst(kind))),
    isStormy: (kind) => worst(kind) > 0,
    storm(kind) {
      const id = Symbol(kind);
      storms.set(id, { kind, share: random.of([0.3, 0.7, 1]) });
      return () => storms.delete(id);
    },
    calm() {
      isCalm = true;
      storms.clear();
    },
  };
}
