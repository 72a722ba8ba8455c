import type { IncomingHttpHeaders } from "node:http";
import { expect } from "vitest";
import type { Config } from "../../src/config/config.ts";
import { deliveryCounts } from "../../src/delivery/counts.ts";
import { deliverResults } from "../../src/delivery/deliver.ts";
import { targetsOf } from "../../src/delivery/receivers.ts";
import type { JobResult } from "../../src/jobs/job.ts";
import type { Answer, Received } from "../alerts/receiver.ts";
import { receiver } from "../alerts/receiver.ts";
import { harness, type Run } from "../runner/harness.ts";
import { sampleItem } from "./sample.ts";

/** A result of two items, told as news unless said. */
export function newsOf(title = "Two things", isNews = true): JobResult {
  const sections = [{ heading: null, items: [sampleItem(), sampleItem({ title: "Another" })] }];
  const report = { title, text: "", counts: null, sections, notes: [], files: [], isNews };
  return { units: isNews ? 2 : 0, summary: "two items", report };
}

/** An agent whose job `work` delivers as `deliver` says; each tick runs it once. */
export async function delivering(
  deliver: object[],
  { run = () => newsOf(), ...config }: { run?: Run } & Record<string, unknown> = {},
) {
  const job = { name: "work", kind: "work", every: "1h", deliver };
  const made = await harness(run, { jobs: [job], ...config });
  const { agent, clock } = made;
  const rows = () => agent.store.db.selectFrom("deliveries").selectAll().orderBy("key").execute();
  return {
    ...made,
    rows,
    states: async () =>
      (await rows()).map(({ receiver: to, state, attempts }) => `${to} ${state} ${attempts}`),
    logged: (event: string) => made.target.logs().filter((line) => line.event === event),
    /** A run of deliveries to every target, as a sender makes it. `pending` is what waits after it. */
    async send({ config = agent.config, ...options }: { config?: Config; limitMs?: number } = {}) {
      const { store, outbox, log } = agent;
      const { signal } = new AbortController();
      const run = { store, config, outbox, clock, log, signal, timeoutMs: 300, ...options };
      const sent = await Promise.all(targetsOf(config).map((target) => deliverResults({ ...run, target })));
      const sum = (of: "delivered" | "failed") => sent.reduce((total, count) => total + count[of], 0);
      const { pending } = await deliveryCounts(store.db);
      return { delivered: sum("delivered"), failed: sum("failed"), pending };
    },
  };
}

/** A webhook that answers as told, and the keys that it was sent. */
export async function hook(answer?: (request: Received, count: number) => Answer | Promise<Answer>) {
  const made = await receiver(answer);
  const keyOf = (headers: IncomingHttpHeaders) => decodeURIComponent(String(headers["idempotency-key"]));
  return {
    ...made,
    entry: { to: "webhook", url: made.url },
    keys: () => made.received.map(({ headers }) => keyOf(headers)),
    bodies: () => made.received.map(({ body }) => JSON.parse(body)),
  };
}

/** The one delivery of the one job. */
export function only<T>(list: readonly T[]): T {
  expect(list).toHaveLength(1);
  return list[0] as T;
}
