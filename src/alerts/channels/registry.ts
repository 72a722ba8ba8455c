import { createHash } from "node:crypto";
import type { ChannelConfig, HttpChannel } from "./channel.ts";
import { discord } from "./discord.ts";
import { email, type MailChannel } from "./email.ts";
import { ntfy } from "./ntfy.ts";
import { slack } from "./slack.ts";
import { telegram } from "./telegram.ts";
import { webhook } from "./webhook.ts";

/** Any channel: its settings are known to its own file alone. */
export type Channel = HttpChannel | MailChannel;

/** Every type of channel, in the order in which people are told of them. */
export const CHANNELS = { ntfy, webhook, discord, slack, telegram, email } as const satisfies Record<
  string,
  Channel
>;

/** What `type` of a channel may be in afk.yaml. */
export type ChannelType = keyof typeof CHANNELS;

/** The channel of a configured type. */
export function channelOf(type: string): Channel {
  return CHANNELS[type as ChannelType];
}

/**
 * Names a configured channel in tables and logs, without its address, which is a secret: the type and 16 hex
 * digits of sha256. The chat or the recipients are part of it, since one bot or mail server serves several.
 */
export function channelId({ type, url, settings }: ChannelConfig): string {
  const recipient = channelOf(type).recipient?.(settings) ?? "";
  const hash = createHash("sha256").update(`${url}\n${recipient}`).digest("hex");
  return `${type}:${hash.slice(0, 16)}`;
}
