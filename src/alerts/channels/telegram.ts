import * as v from "valibot";
import { clip } from "../../lib/text.ts";
import { type HttpChannel, jsonOf, postJson, secondsToMs } from "./channel.ts";
import { alertText } from "./text.ts";

const WRITE_CHAT = "write the number of the chat, or @name of a channel";
const WRITE_BOT = "write https://api.telegram.org/bot<token>/sendMessage with the bot's token";
const CHAT = /^(?:-?\d+|@\w+)$/;
/** A bot's address of the API, with the method or without. */
const BOT_PATH = /\/bot[^/]+(?:\/sendMessage)?\/?$/;

const keys = {
  chat_id: v.optional(
    v.pipe(
      v.union(
        [
          v.pipe(v.string(WRITE_CHAT), v.regex(CHAT, WRITE_CHAT)),
          v.pipe(v.number(WRITE_CHAT), v.integer(WRITE_CHAT)),
        ],
        WRITE_CHAT,
      ),
      v.description("Telegram only: the chat to write to."),
      v.transform(String),
    ),
  ),
};

/**
 * A Telegram bot (https://core.telegram.org/bots/api#sendmessage); the address is
 * `https://api.telegram.org/bot<token>`, with or without `/sendMessage`, and the chat is `chat_id` of the entry or of
 * the address.
 */
export const telegram: HttpChannel<{ chatId: string }, typeof keys> = {
  keys,
  // An address that comes from the environment may name the chat.
  jsonSchema: {
    anyOf: [{ required: ["chat_id"] }, { properties: { url: { pattern: "[?&]chat_id=|\\$\\{" } } }],
  },
  fault({ url: address, chat_id }) {
    const url = new URL(address);
    const inUrl = url.searchParams.get("chat_id") ?? "";
    if (chat_id === undefined && inUrl === "") return `telegram needs chat_id; ${WRITE_CHAT}`;
    if (chat_id !== undefined && inUrl !== "")
      return "the chat is there twice; write it in the url, or as chat_id";
    if (inUrl !== "" && !CHAT.test(inUrl)) return `the url names no chat; ${WRITE_CHAT} behind ?chat_id=`;
    return BOT_PATH.test(url.pathname) ? null : `the url names no bot; ${WRITE_BOT}`;
  },
  read({ url: address, chat_id }) {
    const url = new URL(address);
    const chatId = chat_id ?? url.searchParams.get("chat_id") ?? "";
    url.searchParams.delete("chat_id");
    url.pathname = `${url.pathname.replace(/(?:\/sendMessage)?\/?$/, "")}/sendMessage`;
    return { url: url.href, settings: { chatId } };
  },
  recognises: (url) => url.hostname === "api.telegram.org",
  wholeAddress: {
    lacking: "is a Telegram address without bot or chat",
    example: "https://api.telegram.org/bot<token>/sendMessage?chat_id=<chat>",
  },
  recipient: ({ chatId }) => chatId,
  request: (payload, config) =>
    postJson(config.url, {
      chat_id: config.settings.chatId,
      // No parse_mode: the text is shown as it is, and no character in it can make Telegram refuse it.
      text: clip(alertText(payload, config), TEXT_LENGTH_MAX),
      link_preview_options: { is_disabled: true },
    }),
  isAccepted: (reply) => jsonOf(reply)?.ok === true,
  retryAfterMs(reply) {
    const parameters = jsonOf(reply)?.parameters;
    const isObject = typeof parameters === "object" && parameters !== null;
    return isObject && "retry_after" in parameters ? secondsToMs(parameters.retry_after) : null;
  },
};

const TEXT_LENGTH_MAX = 4_096;
