import * as v from "valibot";
import { section } from "./fields.ts";
import { account, MAIL_KEYS, mailAddress, mailFault, mailRecipients } from "./mail-schema.ts";

const CHANNEL_TYPES = ["ntfy", "webhook", "discord", "slack", "telegram", "email"] as const;

/** The fields of the alert payload (docs/alerts.md), which a template may name. */
export const TEMPLATE_FIELDS = [
  ...["version", "event", "agent", "severity", "ts", "title", "message", "period", "window", "pct"],
  ...["threshold", "capUsd", "spentUsd", "job", "tick", "source", "key", "count"],
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
      url: channelUrl(),
      chat_id: v.optional(chatId()),
      on: v.optional(events(eventNames)),
      template: v.optional(template()),
      from: v.optional(mailAddress("E-mail only: the address it comes from.")),
      to: v.optional(mailRecipients()),
      user: v.optional(account("E-mail only: who signs in at the mail server.")),
      password: v.optional(account("E-mail only: with this password.")),
      tls: v.optional(
        v.pipe(
          v.boolean("write true or false"),
          v.description("E-mail only: false sends without encryption, the password too."),
        ),
      ),
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
      if (type === "email") {
        const message = mailFault(dataset.value);
        if (message !== null) addIssue({ message });
        return;
      }
      if (/^smtps?:/.test(url)) {
        addIssue({
          message: `the url is a mail server's; write type: email, or an address that ${type} has`,
        });
      }
      const foreign = MAIL_KEYS.find((key) => dataset.value[key] !== undefined);
      if (foreign !== undefined) {
        addIssue({ message: `${foreign} belongs to email; leave it out of a channel of type ${type}` });
      }
    }),
    v.metadata({
      allOf: [
        onlyFor("telegram", { required: ["chat_id"] }, ["chat_id"]),
        onlyFor(
          "email",
          { required: ["from", "to"], properties: { url: { pattern: "^smtps?:" } } },
          MAIL_KEYS,
        ),
      ],
    }),
  );
}

/** In JSON Schema: what one type needs besides, and what no other type may have. */
function onlyFor(type: string, needs: object, keys: readonly string[]) {
  return {
    if: { properties: { type: { const: type } }, required: ["type"] },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema.
    then: needs,
    else: { properties: Object.fromEntries(keys.map((key) => [key, false])) },
  };
}

/** An address of the web, or of a mail server, which alone may have user and password in it. */
function channelUrl() {
  const write =
    "write a whole address that begins with https:// or http://, for example https://ntfy.sh/my-topic, without user name or password";
  return v.pipe(
    v.string(write),
    v.maxLength(2000, write),
    v.regex(/^(?:https?:\/\/[^\s/?#@]+(?:[/?#]\S*)?|smtps?:\/\/\S+)$/, write),
    v.check(URL.canParse, write),
    v.description(
      `Where to send; whoever knows it can send too, so best given as \${NAME}. E-mail: the mail server, smtps://HOST:465 or smtp://HOST:587.`,
    ),
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
