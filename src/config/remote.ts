import { createHash } from "node:crypto";
import type { ChannelConfig } from "../alerts/channels/channel.ts";
import { topicOf } from "../alerts/channels/ntfy.ts";
import { channelId } from "../alerts/channels/registry.ts";
import { HOST_CHANNEL } from "../alerts/channels/schema.ts";
import { didYouMean } from "../lib/nearest.ts";
import type { Config } from "./config.ts";
import type { ConfigIssue } from "./errors.ts";

/** A channel that is read, as the poller needs it. `id` names it in tables and logs and holds no secret. */
export type RemoteConfig =
  | { type: "telegram"; id: string; channel: ChannelConfig; chatId: string; users: readonly number[] }
  | { type: "ntfy"; id: string; channel: ChannelConfig; replyAddress: string };

type WithRemote = Pick<Config, "alerts" | "remote">;

/** What is read; nothing where the channel is not known here, as in a shell without ALERT_WEBHOOK. */
export function remotesOf({ alerts, remote }: WithRemote): RemoteConfig[] {
  const found: RemoteConfig[] = [];
  const telegram = alerts.find(({ name, type }) => type === "telegram" && name === remote.telegram?.channel);
  if (remote.telegram !== null && telegram !== undefined) {
    const chatId = chatOf(telegram);
    // In a private chat the chat has the number of the person.
    const users = isGroup(chatId) ? remote.telegram.users : [Number(chatId)];
    found.push({ type: "telegram", id: channelId(telegram), channel: telegram, chatId, users });
  }
  const ntfy = remote.ntfy === null ? undefined : ntfyChannel(alerts, remote.ntfy.channel);
  if (remote.ntfy !== null && ntfy !== undefined) {
    const replyAddress = replyAddressOf(ntfy, remote.ntfy.topic);
    const id = `ntfy:${createHash("sha256").update(replyAddress).digest("hex").slice(0, 16)}`;
    found.push({ type: "ntfy", id, channel: ntfy, replyAddress });
  }
  return found;
}

/** What of `remote:` does not fit the channels of `alerts:`. */
export function remoteIssues(config: WithRemote): ConfigIssue[] {
  return [...telegramIssues(config), ...ntfyIssues(config)];
}

/** The addresses and topics that whoever knows them can use. */
export function remoteSecrets({ alerts, remote }: WithRemote): string[] {
  if (remote.ntfy === null) return [];
  const { topic } = remote.ntfy;
  const read = remotesOf({ alerts, remote }).flatMap((each) =>
    each.type === "ntfy" ? [each.replyAddress, topicOf(each.replyAddress).topic] : [],
  );
  return [...new Set([topic, ...read])];
}

function telegramIssues({ alerts, remote: { telegram } }: WithRemote): ConfigIssue[] {
  if (telegram === null) return [];
  const at = (key: string, message: string) => [{ path: `remote.telegram.${key}`, message }];
  const channel = alerts.find(({ name }) => name === telegram.channel);
  if (channel === undefined) return at("channel", noChannel(alerts, telegram.channel, "telegram"));
  if (channel.type !== "telegram")
    return at("channel", `${channel.name} is a channel of type ${channel.type}; name one of type telegram`);
  const chatId = chatOf(channel);
  if (chatId.startsWith("@"))
    return at(
      "channel",
      `the chat of ${channel.name} is ${chatId}, a public channel, whose posts have no sender; write the number of a private chat as its chat_id`,
    );
  if (isGroup(chatId) && telegram.users.length === 0)
    return [
      {
        path: "remote.telegram",
        message: `the chat of ${channel.name} is a group; write users: with the numbers of those who may stop the agent, or a private chat as its chat_id`,
      },
    ];
  if (!isGroup(chatId) && telegram.users.length > 0)
    return at(
      "users",
      `the chat of ${channel.name} is private, so its person alone is obeyed; leave users out`,
    );
  return [];
}

function ntfyIssues({ alerts, remote: { ntfy } }: WithRemote): ConfigIssue[] {
  if (ntfy === null) return [];
  const at = (key: string, message: string) => [{ path: `remote.ntfy.${key}`, message }];
  const named = alerts.find(({ name }) => name === ntfy.channel);
  if (ntfy.channel !== null && named === undefined)
    return at("channel", noChannel(alerts, ntfy.channel, "ntfy"));
  if (named !== undefined && named.type !== "ntfy")
    return at("channel", `${named.name} is a channel of type ${named.type}; name one of type ntfy`);
  const count = alerts.filter(({ type }) => type === "ntfy").length;
  const channel = ntfyChannel(alerts, ntfy.channel);
  if (channel === undefined) {
    if (alerts.length === 0) return [];
    const message =
      count === 0
        ? "there is no channel of type ntfy under alerts; add one, where the answers go"
        : `there are ${count} channels of type ntfy under alerts; write channel: with the name of the one where the answers go`;
    return [{ path: "remote.ntfy", message }];
  }
  const isSame = sameTopic(replyAddressOf(channel, ntfy.topic), channel.url);
  return isSame
    ? at("topic", "it is the topic of the alerts, so afk would read its own alerts; write another topic")
    : [];
}

function noChannel(alerts: readonly ChannelConfig[], name: string, type: string): string {
  // Without any, this may be a shell without ALERT_WEBHOOK, whose channel has this name.
  const names = alerts.length === 0 ? [HOST_CHANNEL] : alerts.map((each) => each.name);
  return `there is no channel named ${name} under alerts; name one of type ${type}. ${didYouMean(name, names)}`.trim();
}

function ntfyChannel(alerts: readonly ChannelConfig[], name: string | null): ChannelConfig | undefined {
  const all = alerts.filter(({ type }) => type === "ntfy");
  return name === null ? (all.length === 1 ? all[0] : undefined) : all.find((each) => each.name === name);
}

/** A topic's name stands on the server of the channel, with the access token that its address has. */
function replyAddressOf({ url }: ChannelConfig, topic: string): string {
  if (/^https?:/.test(topic)) return topic;
  const [name = "", query = ""] = topic.split("?");
  const address = new URL(url);
  address.pathname = address.pathname.replace(/[^/]*\/?$/, name);
  if (query !== "") address.search = query;
  return address.href;
}

function sameTopic(one: string, other: string): boolean {
  const of = (address: string) => `${new URL(address).host}${new URL(address).pathname.replace(/\/$/, "")}`;
  return of(one) === of(other);
}

function chatOf({ settings }: ChannelConfig): string {
  const { chatId } = settings as { chatId: string };
  return chatId;
}

/** Groups have negative numbers (https://core.telegram.org/bots/api#chat). */
function isGroup(chatId: string): boolean {
  return chatId.startsWith("-");
}
