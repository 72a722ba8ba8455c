import type { ChannelConfig } from "../../alerts/channels/channel.ts";
import type { Config } from "../../config/config.ts";
import type { Effect } from "../../faults/oracles/drafts.ts";
import type { SeededRandom } from "../../faults/seeded-random.ts";
import type { Asked, Reply } from "../environment/network.ts";
import type { FaultRates } from "./fault-rates.ts";
import { failure, respond, SILENCE } from "./replies.ts";

/** Ids of drafts, which go along as idempotency keys; those of alerts have colons. */
const DRAFT_ID = /^[0-9a-z]{26}$/;
const FAILURES = { failed: 4, refused: 1, busy: 2, silent: 2, broken: 1, garbage: 0, moved: 0, lost: 0 };

/** Answers for the channels and the ping address that the configuration names, and for what drafts act on. */
export function createReceivers(config: Config, faultRates: FaultRates, random: SeededRandom) {
  let messages = 0;
  const effects: Effect[] = [];
  const channels = new Map(config.alerts.map((channel) => [new URL(channel.url).origin, channel]));
  const pingUrl = config.heartbeat.pingUrl === null ? null : new URL(config.heartbeat.pingUrl);

  const fails = () => random.chance(faultRates.rate("channels"));

  /** Whatever the server says of it, the work may be done or not; one that refuses did not do it. */
  function act(key: string): Reply {
    const afterMs = random.between(50, 2_000);
    if (!fails()) {
      effects.push({ key, isDone: true });
      return respond(afterMs, random.of([200, 201, 204]));
    }
    const how = random.weighted({ refused: 3, failed: 2, silent: 2, moved: 1 });
    effects.push({ key, isDone: how !== "refused" && random.chance(0.5) });
    if (how === "silent") return SILENCE;
    const status = { refused: random.of([400, 403, 409]), failed: random.of([500, 503]), moved: 302 }[how];
    return respond(afterMs, status);
  }

  return {
    /** How many messages the services took. */
    messages: () => messages,
    effects,
    /** Null for an address that is none of theirs. */
    answer({ url, headers, method }: Asked): Reply | null {
      const draft = String(headers["idempotency-key"]);
      if (DRAFT_ID.test(draft)) return act(draft);
      const isPing = url.origin === pingUrl?.origin && url.pathname.startsWith(pingUrl.pathname);
      const channel = isPing ? undefined : channels.get(url.origin);
      if (!isPing && (channel === undefined || method !== "POST")) return null;
      const json = { "content-type": "application/json" };
      const body = channel === undefined ? pingReply(config) : takenBy(channel);
      const whole = respond(random.between(50, 900), 200, body, json);
      if (fails()) return failure(FAILURES, url, whole, random);
      if (!isPing) messages += 1;
      return whole;
    },
  };
}

function pingReply({ heartbeat }: Config): string {
  return heartbeat.style === "healthchecks" ? "OK" : '{"ok":true}';
}

/** What each kind of service says when it has taken a message. */
function takenBy({ type }: ChannelConfig): string {
  if (type === "slack") return "ok";
  return type === "telegram" ? '{"ok":true}' : '{"id":"1"}';
}
