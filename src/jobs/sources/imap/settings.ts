import * as v from "valibot";
import type { ConfigIssue } from "../../../config/errors.ts";
import { duration, flag, integer, section, text } from "../../../config/fields.ts";
import type { MailAccess } from "../../../egress/imap/access.ts";
import { sourceEntries } from "../source-entries.ts";

const WRITE_HOST = "write the mail server's name alone, for example imap.example.org";
const WRITE_TLS = "write true, starttls or false";
const HOST = /^[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*$/;
/** One line; a text in a command of the protocol must not begin another. */
const LINE = /^[ -~\u00A0-\uFFFF]+$/;

/** How a mailbox is reached: what a source and an action on the same account have in common. */
const imapAccess = {
  host: text("Name of the mail server; it stands in egress.allow too.", WRITE_HOST, HOST, 253),
  port: v.optional(
    integer(
      "993 unless stated; 143 where tls is starttls or false.",
      "the port of the mail server",
      [1, 65_535],
    ),
  ),
  tls: v.optional(
    v.pipe(
      v.union([v.boolean(), v.literal("starttls")], WRITE_TLS),
      v.description(
        "true (unless stated) begins with TLS, starttls goes over to it before the login; false sends the password in plain, for a server on this machine.",
      ),
    ),
    true,
  ),
  user: text("Who signs in; often the whole address.", "write the name of the account", LINE, 320),
  password: v.optional(
    text(
      "The password; many providers want an app password, made for this program alone.",
      `write the password as a text; "\${MAIL_PASSWORD}" reads it from the environment`,
      LINE,
      1_000,
    ),
  ),
  access_token: v.optional(
    text(
      "In place of a password: a token of OAuth 2.0 (XOAUTH2, OAUTHBEARER). afk does not renew it.",
      `write the token as a text; "\${MAIL_TOKEN}" reads it from the environment`,
      LINE,
      10_000,
    ),
  ),
  mailbox: v.optional(
    text(
      "Folder of the account; INBOX unless stated.",
      "write the name of a folder, for example INBOX or Lists/news",
      LINE,
      500,
    ),
    "INBOX",
  ),
};

/** An entry of `sources` of this kind. */
export const imapSettings = section("A mailbox on a mail server, read without changing anything in it.", {
  imap: section("The account, and what is read of it.", {
    ...imapAccess,
    max_age: v.optional(duration("Older mails are not read; 7d unless stated.", "366d"), "7d"),
    unseen: v.optional(flag("true reads only what nobody has opened yet.")),
    max_bytes: v.optional(
      integer(
        "Bytes that are read of one mail; 1048576 unless stated.",
        "how many bytes to read of one mail",
        [1024, 67_108_864],
      ),
    ),
  }),
  ...sourceEntries,
});

/** A mailbox as a source. */
export type ImapSource = v.InferOutput<typeof imapSettings>;

/** The same for the same mailbox. */
export function imapId({ host, user, mailbox }: MailAccess): string {
  return `imap ${user}@${host.toLowerCase()}/${mailbox}`;
}

/** What the job calls it: its name, else the folder and the server. */
export function imapLabel({ name, imap }: ImapSource): string {
  return name ?? `${imap.mailbox} at ${imap.host}`;
}

/** What the schema cannot say alone: one of password and token. Paths start at what has the keys. */
export function checkAccess({ password, access_token }: MailAccess): ConfigIssue[] {
  if (password !== undefined && access_token !== undefined)
    return [{ path: "access_token", message: "write either password or access_token" }];
  if (password !== undefined || access_token !== undefined) return [];
  const message = `the mail server wants one; write "\${MAIL_PASSWORD}", which is read from the environment, or access_token`;
  return [{ path: "password", message }];
}
