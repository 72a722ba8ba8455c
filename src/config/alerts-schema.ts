import * as v from "valibot";
import { section, url } from "./fields.ts";

const CHANNEL_TYPES = ["ntfy", "webhook", "discord", "slack", "telegram"] as const;

/** The fields of the alert payload (docs/alerts.md), which a template may name. */
export const TEMPLATE_FIELDS = [
  ...["version", "event", "agent", "severity", "ts", "title", "message", "period", "window", "pct"],
  ...["threshold", "capUsd", "spentUsd", "job", "tick", "key"],
] as const;

/** A bot's address of the Telegram API: https://api.telegram.org/bot<token>, with the method or without. */
export const TELEGRAM_PATH = /\/bot[^/]+(?:\/sendMessage)?\/?$/;

const WRITE_TELEGRAM = "write https://api.telegram.org/bot<token>/sendMessage with the bot's token";

/** The `alerts:` list. */
export function alertsSchema(eventNames: readonly string[]) {
  return v.pipe(
    v.array(channel(eventNames), "write a list of channels, each with type and url"),
    v.maxLength(20, "write at most 20 channels"),
    v.description("Where alerts are sent."),
  );
}

function channel(eventNames: readonly string[]) {
  return v.pipe(
    section("One channel.", {
      type: v.pipe(v.picklist(CHANNEL_TYPES), v.description("What the address speaks.")),
      url: url(
        `Where to send; whoever knows it can send too, so best given as \${NAME}.`,
        "https://ntfy.sh/my-topic",
      ),
      chat_id: v.optional(chatId()),
      on: v.optional(events(eventNames)),
      template: v.optional(template()),
    }),
    v.rawCheck(({ dataset, addIssue }) => {
      if (!dataset.typed) return;
      const { type, chat_id, url } = dataset.value;
      if (type === "telegram" && chat_id === undefined) {
        addIssue({ message: "telegram needs chat_id; write the number of the chat, or @name of a channel" });
      }
      if (type !== "telegram" && chat_id !== undefined) {
        addIssue({ message: `chat_id belongs to telegram; leave it out of a channel of type ${type}` });
      }
      if (type === "telegram" && URL.canParse(url) && !TELEGRAM_PATH.test(new URL(url).pathname)) {
        addIssue({ message: `the url names no bot; ${WRITE_TELEGRAM}` });
      }
    }),
    v.metadata({
      if: { properties: { type: { const: "telegram" } }, required: ["type"] },
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema.
      then: { required: ["chat_id"] },
      else: { properties: { chat_id: false } },
    }),
  );
}

function chatId() {
  const write = "write the number of the chat, or @name of a channel";
  return v.pipe(
    v.union(
      [
        v.pipe(v.string(write), v.regex(/^(?:-?\d+|@\w+)$/, write)),
        v.pipe(v.number(write), v.integer(write)),
      ],
      write,
    ),
    v.description("Telegram only: the chat to write to."),
    v.transform(String),
  );
}

function events(eventNames: readonly string[]) {
  const write =
    "write a list of event names, for example [cap_hit], or leave the key out for all warnings and errors";
  return v.pipe(
    v.array(v.picklist(eventNames), write),
    v.minLength(1, write),
    v.maxLength(100, write),
    v.description("Events to send here; all of severity warn and above unless stated."),
  );
}

function template() {
  const write = `write a text with placeholders of these only: ${TEMPLATE_FIELDS.map((name) => `{${name}}`).join(" ")}`;
  return v.pipe(
    v.string(write),
    v.minLength(1, write),
    v.maxLength(2000, write),
    // A brace that encloses no single word is only a brace.
    v.regex(new RegExp(`^(?![^]*\\{(?!(?:${TEMPLATE_FIELDS.join("|")})\\})\\w+\\})`), write),
    v.description(
      "Text to send instead of the usual; {agent}, {pct} and the payload's other fields are filled in.",
    ),
  );
}
