import type { MailAccess } from "./access.ts";

/** A message for a folder of drafts. */
export interface MailDraft {
  /** Null for the one that the server marks as that of drafts (RFC 6154). */
  folder: string | null;
  message: MailMessage;
  /** The same for every try at the same thing; the Message-ID is made of it. */
  idempotencyKey: string;
}

/** What stands in the headers and the body of a message. All but the body are single lines. */
export interface MailMessage {
  to: string;
  /** Who the answered mail says it is from; it is shown, and written nowhere. */
  author: string | null;
  subject: string;
  inReplyTo: string | null;
  references: string[];
  body: string;
}

/** Exactly what an append puts into a mailbox, and where. No secret is in it. */
export interface PreparedDraft {
  server: string;
  /** Whose mailbox it is. */
  user: string;
  folder: string | null;
  /** Who it would be from, where the account's name is an address. */
  from: string | null;
  messageId: string;
  message: MailMessage;
}

/** What `appendDraft` would put where. */
export function prepareAppend(
  access: MailAccess,
  { folder, message, idempotencyKey }: MailDraft,
): PreparedDraft {
  const { host: server, user } = access;
  const from = /^[^\s@<>",;:\\]+@[^\s@<>",;:\\]+$/.test(user) ? user : null;
  return { server, user, folder, from, messageId: `<afk-${idempotencyKey}@${server}>`, message };
}
