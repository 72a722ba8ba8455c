import { type ChannelConfig, postJson } from "../../alerts/channels/channel.ts";
import { idempotencyKey } from "../../alerts/channels/webhook.ts";
import { toIso } from "../../lib/clock.ts";
import type { Result } from "../result.ts";

/** The whole result as JSON (docs/delivery.md). */
export function webhookPayload({ agent, job, run, label, key, outcome, isNews, createdMs, report }: Result) {
  const about = { agent, job, run, period: label, outcome, isNews, ts: toIso(createdMs), key };
  return { version: 1, event: "result", ...about, ...report };
}

/** One request with the whole result; its key is in a header too, by which a receiver can drop a repeat. */
export function webhookForm(result: Result, config: ChannelConfig) {
  return [postJson(config.url, webhookPayload(result), idempotencyKey(result.key))];
}
