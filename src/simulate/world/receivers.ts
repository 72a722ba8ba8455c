import type { ChannelConfig } from "../../alerts/channels/channel.ts";
import type { Config } from "../../config/config.ts";
import type { Effect } from "../../faults/oracles/drafts.ts";
import type { SeededRandom } from "../../faults/seeded-random.ts";
import type { Asked, Reply } from "../environment/network.ts";
import type { FaultRates } from "./fault-rates.ts";
import { brokenOff, busy, reply, respondWith, SILENCE } from "./replies.ts";

/** Where alerts, pings and approved drafts go. */
export interface Receivers {
  /** How many messages the services took. */
  messages(): number;
  effects: Effect[];
  /** Null for an address that is none of theirs. */
  answer(asked: Asked): Reply | null;
}

/** Ids of drafts, which go along as idempotency keys; those of alerts have colons. */
const DRAFT_ID = /^[0-9a-z]{26}$/;

/** Answers for the channels and the ping address that the configuration names, and for what drafts act on. */
export function createReceivers(config: Config, faultRates: FaultRates, random: SeededRandom): Receivers {
  let messages = 0;
  const effects: Effect[] = [];
  const channels = new Map(config.alerts.map((channel) => [new URL(channel.url).origin, channel]));
  const pingUrl = config.heartbeat.pingUrl === null ? null : new URL(config.heartbeat.pingUrl);

  const fails = () => random.chance(faultRates.rate("channels"));

  function failed(body: string): Reply {
    const afterMs = random.between(50, 3_000);
    switch (random.weighted({ error: 4, busy: 2, refused: 1, silent: 2, broken: 1 })) {
      case "error":
        return reply(respondWith(random.of([500, 502, 503]), "failed"), afterMs);
      case "busy":
        return reply(busy(random.between(1, 4_000)), afterMs);
      case "refused":
        return reply(respondWith(random.of([400, 404, 422]), "no"), afterMs);
      case "silent":
        return SILENCE;
      case "broken":
        return brokenOff(respondWith(200, body), afterMs, random);
    }
  }

  function take(channel: ChannelConfig): Reply {
    const body = takenBy(channel);
    if (fails()) return failed(body);
    messages += 1;
    return reply(respondWith(200, body, { "content-type": "application/json" }), random.between(50, 900));
  }

  /** Whatever the server says of it, the work may be done or not; one that refuses did not do it. */
  function act(key: string): Reply {
    const afterMs = random.between(50, 2_000);
    if (!fails()) {
      effects.push({ key, isDone: true });
      return reply(respondWith(random.of([200, 201, 204])), afterMs);
    }
    const how = random.weighted({ refused: 3, failed: 2, silent: 2, moved: 1 });
    effects.push({ key, isDone: how !== "refused" && random.chance(0.5) });
    if (how === "silent") return SILENCE;
    const status = { refused: random.of([400, 403, 409]), failed: random.of([500, 503]), moved: 302 }[how];
    return reply(respondWith(status), afterMs);
  }

  return {
    messages: () => messages,
    effects,
    answer(asked) {
      const { url, headers, method } = asked;
      const draft = String(headers["idempotency-key"]);
      if (DRAFT_ID.test(draft)) return act(draft);
      if (pingUrl !== null && url.origin === pingUrl.origin && url.pathname.startsWith(pingUrl.pathname)) {
        const body = config.heartbeat.style === "healthchecks" ? "OK" : '{"ok":true}';
        return fails() ? failed(body) : reply(respondWith(200, body), random.between(20, 400));
      }
      const channel = channels.get(url.origin);
      return channel === undefined || method !== "POST" ? null : take(channel);
    },
  };
}

/** What each kind of service says when it has taken a message. */
function takenBy({ type }: ChannelConfig): string {
  if (type === "slack") return "ok";
  return type === "telegram" ? '{"ok":true}' : '{"id":"1"}';
}
