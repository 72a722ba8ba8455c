import { clip } from "../../lib/text.ts";
import { type HttpChannel, jsonOf, postJson } from "./channel.ts";
import { alertText } from "./text.ts";

/**
 * A Slack incoming webhook, or of a service that speaks the same (Mattermost, Rocket.Chat)
 * (https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks). Slack takes one message a second.
 */
export const slack: HttpChannel = {
  recognises: (url) => url.hostname === "hooks.slack.com",
  request(payload, config) {
    const text = clip(alertText(payload, config), SECTION_LENGTH_MAX);
    return postJson(config.url, {
      text: escapeMrkdwn(text),
      blocks: [{ type: "section", text: { type: "plain_text", text, emoji: false } }],
    });
  },
  // Slack says `ok` as text, Rocket.Chat as JSON. Anything else under a 200 names what went wrong.
  isAccepted(reply) {
    const json = jsonOf(reply);
    return json === null ? reply.body.trim() === "ok" : json.ok === true || json.success === true;
  },
};

const SECTION_LENGTH_MAX = 3_000;

/** Stands where a mark would be read as one: there is no escape for these. */
export const NO_MARK = "\u200b";

/**
 * Text that calls nobody and holds no link of its own. Slack reads three characters as its markup, `<!channel>` for instance;
 * Mattermost and Rocket.Chat read Markdown, and a name behind an @. An address (`https://example.org/@me`, `[::1]:80`) stays as it is.
 */
export function escapeMrkdwn(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replace(/\](?=[([]|:\D)|(?<![\p{L}\p{N}/])@(?=\p{L})/gu, `$&${NO_MARK}`);
}
