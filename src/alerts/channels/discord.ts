import { clip } from "../../lib/text.ts";
import { type HttpChannel, jsonOf, postJson, secondsToMs } from "./channel.ts";
import { alertText } from "./text.ts";

/** A Discord webhook (https://discord.com/developers/docs/resources/webhook#execute-webhook). */
export const discord: HttpChannel = {
  recognises: (url) =>
    /(?:^|\.)discord(?:app)?\.com$/.test(url.hostname) && url.pathname.startsWith("/api/webhooks"),
  request(payload, config) {
    const url = new URL(config.url);
    // Without it Discord answers before the message is kept, and says nothing when it is not.
    url.searchParams.set("wait", "true");
    const content = clip(alertText(payload, config), CONTENT_LENGTH_MAX);
    // No mentions: nothing that stands in an alert may call everybody in the channel.
    return postJson(url.href, { content, allowed_mentions: { parse: [] } });
  },
  isAccepted: (reply) => reply.status === 204 || typeof jsonOf(reply)?.id === "string",
  retryAfterMs: (reply) => secondsToMs(jsonOf(reply)?.retry_after),
};

const CONTENT_LENGTH_MAX = 2_000;
