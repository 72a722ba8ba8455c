import { type ChannelConfig, postJson } from "../../alerts/channels/channel.ts";
import type { Result } from "../result.ts";
import { type Markup, messagesOf } from "./blocks.ts";

/** https://discord.com/developers/docs/resources/webhook#execute-webhook */
const CONTENT_MAX = 2_000;
/** No preview of each link. */
const SUPPRESS_EMBEDS = 1 << 2;

const markup: Markup = {
  // A mention, `<@1>`, begins with what is escaped here; @everyone calls nobody by `allowed_mentions`.
  // An address in the text is shown as it is, and would be another one with marks in it. It ends before what could end a link.
  escape: (text) =>
    text
      .replace(/https?:\/\/[^\s<>[\]\\`|]+|[\\*_~`|<>[\]]/g, (found) =>
        found.length > 1 ? found : `\\${found}`,
      )
      .replace(/^(\s*)([#+-])/gm, String.raw`$1\$2`)
      .replace(/^(\s*\d+)\./gm, String.raw`$1\.`),
  bold: (text) => `**${text}**`,
  // Between these marks an address may hold anything but them and spaces.
  link: (text, address) => `[${text}](<${address.replace(/[<>()\\]/g, percent)}>)`,
};

function percent(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}

/** One request for each message to a Discord webhook. */
export function discordForm(result: Result, config: ChannelConfig) {
  const url = new URL(config.url);
  // Without it Discord answers before the message is kept, and says nothing when it is not.
  url.searchParams.set("wait", "true");
  return messagesOf(result, markup, CONTENT_MAX).map((content) =>
    postJson(url.href, { content, allowed_mentions: { parse: [] }, flags: SUPPRESS_EMBEDS }),
  );
}
