import { AfkError } from "../../lib/errors.ts";
import { type Channel, jsonOf, secondsToMs } from "./channel.ts";
import { alertText, truncateUnits } from "./text.ts";

/**
 * A Telegram bot (https://core.telegram.org/bots/api#sendmessage); the address is
 * `https://api.telegram.org/bot<token>`, with or without `/sendMessage`.
 */
export const telegram: Channel = {
  request(payload, config) {
    if (config.chatId === null) {
      throw new AfkError("channel_misconfigured", "a telegram channel needs chat_id", { retry: "never" });
    }
    const url = new URL(config.url);
    url.pathname = `${url.pathname.replace(/(?:\/sendMessage)?\/?$/i, "")}/sendMessage`;
    return {
      url: url.href,
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        chat_id: config.chatId,
        // No parse_mode: the text is shown as it is, and no character in it can make Telegram refuse it.
        text: truncateUnits(alertText(payload, config), TEXT_LENGTH_MAX),
        link_preview_options: { is_disabled: true },
      }),
    };
  },
  isAccepted: (reply) => jsonOf(reply)?.ok === true,
  retryAfterMs(reply) {
    const parameters = jsonOf(reply)?.parameters;
    const isObject = typeof parameters === "object" && parameters !== null;
    return isObject && "retry_after" in parameters ? secondsToMs(parameters.retry_after) : null;
  },
};

const TEXT_LENGTH_MAX = 4_096;
