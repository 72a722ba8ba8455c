import { clip } from "../../lib/text.ts";
import type { AlertPayload } from "../events.ts";
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
    const content = clip(alertText(asText(payload), config), CONTENT_LENGTH_MAX);
    // No mentions: nothing that stands in an alert may call everybody in the channel.
    return postJson(url.href, { content, allowed_mentions: { parse: [] } });
  },
  isAccepted: (reply) => reply.status === 204 || typeof jsonOf(reply)?.id === "string",
  retryAfterMs: (reply) => secondsToMs(jsonOf(reply)?.retry_after),
};

const CONTENT_LENGTH_MAX = 2_000;

/** What jobs and servers have said is in it, and must become no link; the template's own marks are its owner's. */
function asText(payload: AlertPayload): AlertPayload {
  const fields = Object.entries(payload).map(([name, value]) => [
    name,
    typeof value === "string" ? escapeMarkdown(value) : value,
  ]);
  return Object.fromEntries(fields) as AlertPayload;
}

/**
 * Text without any of Discord's marks. A mention, `<@1>`, begins with what is escaped here; @everyone calls nobody by
 * `allowed_mentions`. An address in it is shown as it is, and would be another one with marks in it; it ends before what could
 * end a link.
 */
export function escapeMarkdown(text: string): string {
  return text
    .replace(/https?:\/\/[^\s<>[\]\\`|]+|[\\*_~`|<>[\]]/g, (found) =>
      found.length > 1 ? found : `\\${found}`,
    )
    .replace(/^(\s*)([#+-])/gm, String.raw`$1\$2`)
    .replace(/^(\s*\d+)\./gm, String.raw`$1\.`);
}
