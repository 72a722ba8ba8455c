import { onTestFinished } from "vitest";
import type { EgressConfig } from "../../src/config/config.ts";
import { createEgress } from "../../src/egress/fetch.ts";
import type { EgressOptions } from "../../src/egress/transport.ts";
import { silentLog } from "../../src/lib/log.ts";
import { type FakeClock, fakeClock } from "../support/fake-clock.ts";
import { testStore } from "../support/store.ts";

export const LOCAL: EgressConfig = {
  allow: ["127.0.0.1", "site.test"],
  allowPrivate: ["127.0.0.1", "site.test"],
  requestsPerMinute: 60,
  contact: null,
};

export { testStore };

/** An egress over a fresh database, with a clock that never waits; `site.test` is 127.0.0.1. */
export async function testEgress(
  options: Partial<Omit<EgressOptions, "config">> & {
    config?: Partial<EgressConfig>;
    clock?: FakeClock;
  } = {},
) {
  const db = options.db ?? (await testStore()).db;
  const clock = options.clock ?? fakeClock();
  const egress = createEgress({
    agentVersion: "1.2.3",
    log: silentLog,
    resolve: async () => [{ address: "127.0.0.1", family: 4 }],
    ...options,
    db,
    clock,
    config: { ...LOCAL, ...options.config },
  });
  onTestFinished(() => egress.close());
  return { egress, db, clock };
}

/** The error a promise is rejected with; fails the test when it is not. */
export async function rejection(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    (value) => {
      throw new Error(`expected a rejection, got ${JSON.stringify(value)}`);
    },
    (error) => error,
  );
}

export function textOf(body: Uint8Array): string {
  return new TextDecoder().decode(body);
}
