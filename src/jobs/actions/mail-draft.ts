import * as v from "valibot";
import { MAIL_ADDRESS } from "../../alerts/channels/email.ts";
import { PLAIN_LINE } from "../../lib/text.ts";
import type { Action } from "./action.ts";
import { referenceSchema } from "./references.ts";

const ADDRESS_CHARS_MAX = 254;
const BODY_CHARS_MAX = 20_000;

const WRITE_ADDRESS = "write one plain mail address";
const WRITE_LINE = "write one line of plain text, at most 250 characters";
const WRITE_ID = "write the identifier of a message, in angle brackets";

const address = v.pipe(
  v.string(),
  v.maxLength(ADDRESS_CHARS_MAX, WRITE_ADDRESS),
  v.regex(MAIL_ADDRESS, WRITE_ADDRESS),
);
const line = v.pipe(v.string(), v.maxLength(250, WRITE_LINE), v.regex(PLAIN_LINE, WRITE_LINE));
/** An identifier of a message (RFC 5322, section 3.6.4), as far as it is safe in a header. */
export const MESSAGE_ID: RegExp = /^<[\x21-\x3b\x3d\x3f-\x7e]{1,250}>$/;
/** Of a message's thread. */
export const REFERENCES_MAX = 20;
const messageId = v.pipe(v.string(), v.regex(MESSAGE_ID, WRITE_ID));

const schema = v.strictObject({
  from: referenceSchema,
  /** Null for the one that the server marks as that of drafts (RFC 6154). */
  folder: v.nullable(line),
  to: address,
  /** Who the answered mail says it is from; shown beside `to`, and written nowhere. */
  author: v.nullable(address),
  subject: line,
  inReplyTo: v.nullable(messageId),
  references: v.pipe(v.array(messageId), v.maxLength(REFERENCES_MAX)),
  body: v.pipe(v.string(), v.maxLength(BODY_CHARS_MAX, "write a shorter text")),
});

/** A reply, laid into the folder of drafts of the mailbox that the mail came from. It is sent by nobody but its owner. */
export const mailDraft: Action<v.InferOutput<typeof schema>> = {
  action: "mail_draft",
  content: schema,
  async run({ from, folder, ...message }, tools) {
    const found = await tools.append(from, { folder, message });
    const verb = found.wasThere ? "was already" : "lies";
    return { summary: `the reply ${verb} in ${found.folder}` };
  },
};

/** The address as a header takes it; null where it is none, or more than one. */
export function plainAddress(text: string | null): string | null {
  const found = text?.trim() ?? "";
  return found.length <= ADDRESS_CHARS_MAX && MAIL_ADDRESS.test(found) ? found : null;
}
