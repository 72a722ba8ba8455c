import { createHash } from "node:crypto";
import type { ChannelConfig } from "../../alerts/channels/channel.ts";
import type { Mail, MailAccount } from "../../alerts/channels/email.ts";
import { clip } from "../../lib/text.ts";
import { headlineOf, type Result } from "../result.ts";
import { htmlDocument } from "./html.ts";
import { plainText } from "./text.ts";

const SUBJECT_MAX = 150;

/**
 * One message, as text and as HTML. Its Message-ID comes from the key, so that a mailbox can drop a repeat; it answers no other
 * message, so that each result is a thread of its own; List-Id (RFC 2919) is the same for all of a job's, for filters.
 */
export function emailForm(result: Result, config: ChannelConfig<MailAccount>): Mail {
  const account = config.settings;
  const domain = account.from.slice(account.from.lastIndexOf("@") + 1);
  const { agent, key, createdMs, job } = result;
  const id = createHash("sha256").update(`${agent}\n${key}\n${createdMs}`).digest("hex").slice(0, 32);
  return {
    server: new URL(config.url),
    account,
    // Control characters, a line's end above all, would begin another header.
    subject: clip(headlineOf(result).replace(/\p{Cc}+/gu, " "), SUBJECT_MAX),
    text: plainText(result),
    html: htmlDocument(result),
    messageId: `<${id}@${domain}>`,
    headers: {
      // Nobody's holiday notice is an answer to this (RFC 3834).
      "auto-submitted": "auto-generated",
      "list-id": `<${job}.${agent}.${domain}>`,
    },
  };
}
