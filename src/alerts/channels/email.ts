import { createHash } from "node:crypto";
import type { ChannelConfig, MailConfig } from "../../config/config.ts";
import { AfkError } from "../../lib/errors.ts";
import type { AlertPayload, Severity } from "../events.ts";
import { alertText, headline, truncateUnits } from "./text.ts";

/** One message, in plain text, and where to hand it in. */
export interface Mail {
  /** `smtp:` or `smtps:`, without user and password. */
  server: URL;
  account: MailConfig;
  subject: string;
  text: string;
  /** The same for every try, so that a mailbox can drop a repeat. */
  messageId: string;
  headers: Record<string, string>;
}

/** What a mail server and its users get: made from an alert, without a network. */
export function mailOf(payload: AlertPayload, config: ChannelConfig): Mail {
  const { mail: account } = config;
  if (account === undefined) {
    throw new AfkError("channel_misconfigured", "an email channel needs from and to", { retry: "never" });
  }
  const id = createHash("sha256").update(`${payload.agent}\n${payload.key}`).digest("hex").slice(0, 32);
  return {
    server: new URL(config.url),
    account,
    // Control characters, a line's end above all, would begin another header.
    subject: truncateUnits(
      `[${payload.severity}] ${headline(payload)}`.replace(/\p{Cc}+/gu, " "),
      SUBJECT_LENGTH_MAX,
    ),
    text: `${truncateUnits(alertText(payload, config), TEXT_LENGTH_MAX)}\n`,
    messageId: `<${id}@${account.from.slice(account.from.lastIndexOf("@") + 1)}>`,
    headers: {
      // Nobody's holiday notice is an answer to this (RFC 3834).
      "auto-submitted": "auto-generated",
      importance: IMPORTANCE[payload.severity],
      "x-afk-event": payload.event,
    },
  };
}

const SUBJECT_LENGTH_MAX = 150;
const TEXT_LENGTH_MAX = 50_000;

const IMPORTANCE: Record<Severity, string> = { info: "low", warn: "normal", error: "high" };
