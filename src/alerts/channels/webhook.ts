import { type HttpChannel, postJson } from "./channel.ts";
import { alertText } from "./text.ts";

/**
 * The payload as JSON (docs/alerts.md). With a template, the rendered text is in it too, as `text`, which
 * also makes the body fit receivers that want only that. Any 2xx is a yes.
 */
export const webhook: HttpChannel = {
  request(payload, config) {
    const text = config.template === null ? {} : { text: alertText(payload, config) };
    // The same for every try, so that a receiver can drop a repeat. Headers hold ASCII only.
    const key = encodeURIComponent(payload.key.toWellFormed()).slice(0, KEY_LENGTH_MAX);
    return postJson(config.url, { ...payload, ...text }, { "idempotency-key": key });
  },
  isAccepted: () => true,
};

const KEY_LENGTH_MAX = 255;
