import type { Config } from "../../config/config.ts";
import { seededRandom } from "../../faults/seeded-random.ts";
import type { Internet } from "../environment/network.ts";
import type { VirtualTime } from "../environment/virtual-time.ts";
import type { FaultName } from "../fault-names.ts";
import type { FaultRates } from "./fault-rates.ts";
import { createModels } from "./models.ts";
import { createReceivers } from "./receivers.ts";
import { respond } from "./replies.ts";
import { createSources, type LocalSource } from "./sources.ts";

/** Everything outside of the machine, with records of its own that the agent never sees. */
export type World = ReturnType<typeof createWorld>;

/** A world in which nothing has happened yet. */
export function createWorld(options: {
  config: Config;
  local: readonly LocalSource[];
  seed: number;
  time: VirtualTime;
  faultRates: FaultRates;
  /** Called with each request that arrives, before it is answered. */
  onRequest(url: URL): void;
  /** Called when a request has reached a model, before it answers. */
  onModelRequest(): void;
}) {
  const { config, local, seed, time, faultRates, onRequest, onModelRequest } = options;
  const random = seededRandom(seed, "world");
  const models = createModels(config, faultRates, seededRandom(seed, "models"));
  const receivers = createReceivers(config, faultRates, seededRandom(seed, "receivers"));
  const sources = createSources(local, faultRates, seed, time.trueMs);
  const kinds = new Map<string, FaultName>([
    ...config.alerts.map(({ url }) => [new URL(url).origin, "channels"] as const),
    ...Object.values(config.models.providers).map(
      ({ baseUrl }) => [new URL(baseUrl).origin, "models"] as const,
    ),
  ]);

  const internet: Internet = {
    after: (ms, ring) => void time.alarm("world", ms, ring),
    // Names and connections fail less often than servers do.
    isKnown: () => !random.chance(faultRates.rate("sources") / 8),
    accept(origin) {
      if (!random.chance(faultRates.rate(kinds.get(origin) ?? "sources") / 4)) return null;
      return random.of(["ECONNREFUSED", "ECONNREFUSED", "ECONNRESET", "hangs"]);
    },
    answer(asked) {
      onRequest(asked.url);
      const answered = models.answer(asked);
      if (answered !== null) onModelRequest();
      const elsewhere = () => (asked.method === "GET" ? sources.answer(asked) : respond(10, 405));
      return answered ?? receivers.answer(asked) ?? elsewhere();
    },
  };
  return { models, receivers, sources, internet };
}
