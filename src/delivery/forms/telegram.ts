import { type ChannelConfig, postJson } from "../../alerts/channels/channel.ts";
import type { Result } from "../result.ts";
import { type Markup, messagesOf } from "./blocks.ts";

/** Of the text after its entities are read; counted with them here, which is never less (https://core.telegram.org/bots/api#sendmessage). */
const TEXT_MAX = 4_096;

/** Telegram's HTML: these four characters are all that it reads (https://core.telegram.org/bots/api#html-style). */
const markup: Markup = {
  escape: (text) =>
    text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;"),
  bold: (text) => `<b>${text}</b>`,
  link: (text, address) => `<a href="${markup.escape(address)}">${text}</a>`,
};

/** One request for each message to a Telegram chat. */
export function telegramForm(result: Result, config: ChannelConfig<{ chatId: string }>) {
  return messagesOf(result, markup, TEXT_MAX).map((text) =>
    postJson(config.url, {
      chat_id: config.settings.chatId,
      text,
      parse_mode: "HTML",
      link_preview_options: { is_disabled: true },
    }),
  );
}
