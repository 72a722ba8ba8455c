import type { Config } from "../../config/config.ts";
import type { Internet } from "../environment/network.ts";
import { createDice } from "../environment/seeded-random.ts";
import type { VirtualTime } from "../environment/virtual-time.ts";
import type { Weather } from "./fault-rates.ts";
import { createModels, type Models } from "./models.ts";
import { createReceivers, type Receivers } from "./receivers.ts";
import { reply } from "./replies.ts";
import { createSources, type LocalSource, type Sources } from "./sources.ts";

/** Everything outside of the machine, with books of its own that the agent never sees. */
export interface World extends Internet {
  models: Models;
  receivers: Receivers;
  sources: Sources;
}

export interface WorldOptions {
  config: Config;
  local: readonly LocalSource[];
  seed: number;
  startMs: number;
  time: VirtualTime;
  weather: Weather;
  /** Called when a request has reached a model, before it answers. */
  onModelRequest(): void;
  /** Whether nothing may leave the machine now: it is off, or the process is gone. */
  onRequest(url: URL): void;
}

export function createWorld({ config, local, seed, startMs, time, weather, ...hooks }: WorldOptions): World {
  const dice = createDice(seed, "world");
  const nowMs = () => time.elapsedMs();
  const models = createModels(config, weather, createDice(seed, "models"), nowMs);
  const receivers = createReceivers(config, weather, createDice(seed, "receivers"), nowMs);
  const sources = createSources(local, weather, seed, { startMs, trueMs: time.trueMs });
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
    isKnown: () => !dice.chance(weather.trouble("sources") / 8),
    accept(origin) {
      if (!dice.chance(weather.trouble(kindOf(origin)) / 4)) return null;
      return dice.of(["ECONNREFUSED", "ECONNREFUSED", "ECONNRESET", "hangs"]);
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
      return asked.method === "GET" ? sources.answer(asked) : reply({ status: 405, body: "", afterMs: 10 });
    },
  };
}
