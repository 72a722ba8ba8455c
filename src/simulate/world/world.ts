import type { Config } from "../../config/config.ts";
import { seededRandom } from "../../faults/seeded-random.ts";
import type { Internet } from "../environment/network.ts";
import type { VirtualTime } from "../environment/virtual-time.ts";
import type { FaultRates } from "./fault-rates.ts";
import { createModels, type Models } from "./models.ts";
import { createReceivers, type Receivers } from "./receivers.ts";
import { reply, respondWith } from "./replies.ts";
import { createSources, type LocalSource, type Sources } from "./sources.ts";

/** Everything outside of the machine, with records of its own that the agent never sees. */
export interface World extends Internet {
  models: Models;
  receivers: Receivers;
  sources: Sources;
}

/** What a world is made from. */
export interface WorldOptions {
  config: Config;
  local: readonly LocalSource[];
  seed: number;
  startMs: number;
  time: VirtualTime;
  faultRates: FaultRates;
  /** Called when a request has reached a model, before it answers. */
  onModelRequest(): void;
  /** Whether nothing may leave the machine now: it is off, or the process is gone. */
  onRequest(url: URL): void;
}

/** A world in which nothing has happened yet. */
export function createWorld({
  config,
  local,
  seed,
  startMs,
  time,
  faultRates,
  ...hooks
}: WorldOptions): World {
  const random = seededRandom(seed, "world");
  const models = createModels(config, faultRates, seededRandom(seed, "models"));
  const receivers = createReceivers(config, faultRates, seededRandom(seed, "receivers"));
  const sources = createSources(local, faultRates, seed, { startMs, trueMs: time.trueMs });
  const modelOrigins = new Set(
    Object.values(config.models.providers).map(({ baseUrl }) => new URL(baseUrl).origin),
  );
  const channelOrigins = new Set(config.alerts.map(({ url }) => new URL(url).origin));

  const kindOf = (origin: string) =>
    modelOrigins.has(origin) ? "models" : channelOrigins.has(origin) ? "channels" : "sources";

  return {
    models,
    receivers,
    sources,
    after: (ms, ring) => void time.alarm("world", ms, ring),
    // Names and connections fail less often than servers do.
    isKnown: () => !random.chance(faultRates.rate("sources") / 8),
    accept(origin) {
      if (!random.chance(faultRates.rate(kindOf(origin)) / 4)) return null;
      return random.of(["ECONNREFUSED", "ECONNREFUSED", "ECONNRESET", "hangs"]);
    },
    answer(asked) {
      hooks.onRequest(asked.url);
      const answered = models.answer(asked);
      if (answered !== null) {
        hooks.onModelRequest();
        return answered;
      }
      const received = receivers.answer(asked);
      if (received !== null) return received;
      return asked.method === "GET" ? sources.answer(asked) : reply(respondWith(405), 10);
    },
  };
}
