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
      text: escaped(text),
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

/** `<!channel>` in an alert must not call everybody: Slack reads these three characters as its markup. */
function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
