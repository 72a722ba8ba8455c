import { createHash } from "node:crypto";
import type { ChannelConfig, ChannelType } from "../../config/config.ts";
import type { Channel } from "./channel.ts";
import { discord } from "./discord.ts";
import { ntfy } from "./ntfy.ts";
import { slack } from "./slack.ts";
import { telegram } from "./telegram.ts";
import { webhook } from "./webhook.ts";

/** The channels that are one HTTP request; e-mail is a conversation, and has a file of its own (email.ts). */
export const CHANNELS: Record<Exclude<ChannelType, "email">, Channel> = {
  ntfy,
  webhook,
  discord,
  slack,
  telegram,
};

/**
 * Names a configured channel in tables and logs, without its address, which is a secret: the type and 16 hex
 * digits of sha256. The chat or the recipients are part of it, since one bot or mail server serves several.
 */
export function channelId({ type, url, chatId, mail }: ChannelConfig): string {
  const hash = createHash("sha256")
    .update(`${url}\n${chatId ?? mail?.to.join(",") ?? ""}`)
    .digest("hex");
  return `${type}:${hash.slice(0, 16)}`;
}
