import { type ChannelConfig, postJson } from "../../alerts/channels/channel.ts";
import { escapeMarkdown } from "../../alerts/channels/discord.ts";
import type { Result } from "../result.ts";
import { type Markup, messagesOf } from "./blocks.ts";

/** https://discord.com/developers/docs/resources/webhook#execute-webhook */
const CONTENT_MAX = 2_000;
/** No preview of each link. */
const SUPPRESS_EMBEDS = 1 << 2;

const markup: Markup = {
  escape: escapeMarkdown,
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
