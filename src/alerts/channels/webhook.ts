import type { HttpChannel } from "./channel.ts";
import { alertText } from "./text.ts";

/**
 * The payload as JSON (docs/alerts.md). With a template, the rendered text is in it too, as `text`, which
 * also makes the body fit receivers that want only that. Any 2xx is a yes.
 */
export const webhook: HttpChannel = {
  request(payload, config) {
    const text = config.template === null ? {} : { text: alertText(payload, config) };
    return {
      url: config.url,
      method: "POST",
      headers: {
        "content-type": "application/json",
        // The same for every try, so that a receiver can drop a repeat. Headers hold ASCII only.
        "idempotency-key": encodeURIComponent(payload.key.toWellFormed()).slice(0, KEY_LENGTH_MAX),
      },
      body: JSON.stringify({ ...payload, ...text }),
    };
  },
  isAccepted: () => true,
};

const KEY_LENGTH_MAX = 255;
