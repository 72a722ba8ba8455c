import { hash } from "node:crypto";
import { type HttpChannel, postJson } from "./channel.ts";
import { alertText } from "./text.ts";

/**
 * The payload as JSON (docs/alerts.md). With a template, the rendered text is in it too, as `text`, which
 * also makes the body fit receivers that want only that. Any 2xx is a yes.
 */
export const webhook: HttpChannel = {
  request(payload, config) {
    const text = config.template === null ? {} : { text: alertText(payload, config) };
    return postJson(config.url, { ...payload, ...text }, idempotencyKey(payload.key));
  },
  isAccepted: () => true,
};

const KEY_LENGTH_MAX = 255;

/**
 * The header that is the same for every try, so that a receiver can drop a repeat, and different for everything else: of a long
 * key a hash, since its end is what differs. Headers hold ASCII only.
 */
export function idempotencyKey(key: string): { "idempotency-key": string } {
  const encoded = encodeURIComponent(key.toWellFormed());
  const isLong = encoded.length > KEY_LENGTH_MAX;
  return { "idempotency-key": isLong ? hash("sha256", encoded) : encoded };
}
