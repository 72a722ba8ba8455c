import { createHash } from "node:crypto";
import * as v from "valibot";
import { flag, text } from "../../config/fields.ts";
import { clip } from "../../lib/text.ts";
import type { AlertPayload, Severity } from "../events.ts";
import type { ChannelConfig, Configurable, Entry } from "./channel.ts";
import { alertText, headline } from "./text.ts";

/** A mail server is not asked by one request: what it gets is a message, and send-mail.ts hands that in. */
export interface MailChannel<Settings = unknown, Keys extends v.ObjectEntries = v.ObjectEntries>
  extends Configurable<Settings, Keys> {
  /** A pure function. */
  message(payload: AlertPayload, config: ChannelConfig<Settings>): Mail;
}

/** Who sends to whom, and the login of the mail server; null where it needs none. */
export interface MailAccount {
  from: string;
  to: string[];
  user: string | null;
  password: string | null;
  /** Whether to send nothing to a server that offers no encryption; one on this machine need not. */
  isTlsRequired: boolean;
}

/** One message, in plain text and perhaps in HTML as well, and where to hand it in. */
export interface Mail {
  /** `smtp:` or `smtps:`, without user and password. */
  server: URL;
  account: MailAccount;
  subject: string;
  text: string;
  html?: string;
  /** The same for every try, so that a mailbox can drop a repeat. */
  messageId: string;
  headers: Record<string, string>;
}

/**
 * One plain mail address, as a message's header and the mail server both take it: no display name, no quotes, and no
 * character that could begin another header or another recipient.
 */
export const MAIL_ADDRESS: RegExp =
  /^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*$/;

const WRITE_ADDRESS = "write a plain mail address, for example ops@example.org";
const WRITE_ADDRESSES = `${WRITE_ADDRESS}, or a list of at most 20`;
const WRITE_SERVER =
  "write smtp:// or smtps:// with the mail server's name and port, for example smtps://mail.example.org:465";

const keys = {
  from: v.optional(mailAddress("E-mail only: the address it comes from.")),
  to: v.optional(
    v.pipe(
      v.union(
        [
          mailAddress("Who gets it."),
          v.pipe(
            v.array(mailAddress("Who gets it."), WRITE_ADDRESSES),
            v.minLength(1, WRITE_ADDRESSES),
            v.maxLength(20, WRITE_ADDRESSES),
          ),
        ],
        WRITE_ADDRESSES,
      ),
      v.description("E-mail only: who gets it; one address or a list."),
    ),
  ),
  user: v.optional(account("E-mail only: who signs in at the mail server.")),
  password: v.optional(account("E-mail only: with this password.")),
  tls: v.optional(flag("E-mail only: false sends without encryption, the password too.")),
};

/** Mail over SMTP: the one channel that is no HTTP request. */
export const email: MailChannel<MailAccount, typeof keys> = {
  keys,
  jsonSchema: { required: ["from", "to"], properties: { url: { pattern: "^smtps?:" } } },
  scheme: { pattern: /^smtps?:/, owner: "a mail server" },
  fault,
  read,
  recipient: ({ to }) => to.join(","),
  // Whoever knows the address of a mail server cannot send by that alone.
  secrets: ({ password }) => (password === null ? [] : [password]),
  message(payload, config) {
    const account = config.settings;
    const id = createHash("sha256").update(`${payload.agent}\n${payload.key}`).digest("hex").slice(0, 32);
    return {
      server: new URL(config.url),
      account,
      // Control characters, a line's end above all, would begin another header.
      subject: clip(
        `[${payload.severity}] ${headline(payload)}`.replace(/\p{Cc}+/gu, " "),
        SUBJECT_LENGTH_MAX,
      ),
      text: `${clip(alertText(payload, config), TEXT_LENGTH_MAX)}\n`,
      messageId: `<${id}@${account.from.slice(account.from.lastIndexOf("@") + 1)}>`,
      headers: {
        // Nobody's holiday notice is an answer to this (RFC 3834).
        "auto-submitted": "auto-generated",
        importance: IMPORTANCE[payload.severity],
        "x-afk-event": payload.event,
      },
    };
  },
};

const SUBJECT_LENGTH_MAX = 150;
const TEXT_LENGTH_MAX = 50_000;

const IMPORTANCE: Record<Severity, string> = { info: "low", warn: "normal", error: "high" };

function mailAddress(description: string) {
  return text(description, WRITE_ADDRESS, MAIL_ADDRESS, 254);
}

function account(description: string) {
  const write = `write a text, best as \${NAME} of the environment`;
  return v.pipe(v.string(write), v.minLength(1, write), v.maxLength(500, write), v.description(description));
}

function fault(entry: Entry<typeof keys>): string | null {
  const url = new URL(entry.url);
  const isBare = url.hostname !== "" && /^\/?$/.test(url.pathname) && url.search + url.hash === "";
  const isServer = /^smtps?:$/.test(url.protocol) && isBare && isDecodable(url.username + url.password);
  if (!isServer) return `the url names no mail server; ${WRITE_SERVER}`;
  if (entry.from === undefined || entry.to === undefined)
    return "an email channel needs from and to; write the mail address it comes from, and who gets it";
  const user = entry.user ?? url.username;
  const password = entry.password ?? url.password;
  if ((user === "") !== (password === ""))
    return "user and password go together; write both, or neither for a server that asks for none";
  const isTwice = [url.username && entry.user, url.password && entry.password].some(Boolean);
  if (isTwice) return "user and password are there twice; write them in the url, or as user and password";
  if (entry.tls === false && url.protocol === "smtps:")
    return "smtps:// is TLS from the first byte; write smtp:// for a server without it, or leave tls out";
  return null;
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

/** The address without user and password, which are kept by themselves. */
function read(entry: Entry<typeof keys>): { url: string; settings: MailAccount } {
  const url = new URL(entry.url);
  const { from = "", to = [], tls = true } = entry;
  const user = entry.user ?? (url.username === "" ? null : decodeURIComponent(url.username));
  const password = entry.password ?? (url.password === "" ? null : decodeURIComponent(url.password));
  url.username = "";
  url.password = "";
  const settings = { from, to: typeof to === "string" ? [to] : to, user, password, isTlsRequired: tls };
  return { url: url.href.replace(/\/$/, ""), settings };
}
