import { oneLine } from "../../../lib/text.ts";
import type { ItemOrigin } from "../../items/item.ts";

const SUBJECT_CHARS_MAX = 500;
const REFERENCES_MAX = 20;
/** A Message-ID, and a plain address: visible ASCII, and nothing that could begin another header or recipient. */
const MESSAGE_ID = /<[!-;=?-~]{1,250}>/g;
const ADDRESS = /^[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])$/;

/** Where a mail can be answered: from its header fields alone, as they are on the wire. `subject` is decoded. */
export function readOrigin(fields: ReadonlyMap<string, Buffer>, subject: string): ItemOrigin {
  const raw = (name: string) => fields.get(name)?.toString("latin1") ?? "";
  const idsIn = (name: string) => raw(name).match(MESSAGE_ID) ?? [];
  const references = idsIn("references");
  return {
    type: "mail",
    messageId: idsIn("message-id")[0] ?? null,
    references: (references.length > 0 ? references : idsIn("in-reply-to")).slice(-REFERENCES_MAX),
    from: addressIn(raw("from")),
    replyTo: addressIn(raw("reply-to")),
    subject: oneLine(subject, SUBJECT_CHARS_MAX),
  };
}

/**
 * The first address of a field (RFC 5322, section 3.4). Names are taken away before it is looked for, and encoded words are not
 * decoded, so that nothing that only looks like an address in a name is taken for one; null where it is in doubt.
 */
function addressIn(field: string): string | null {
  const plain = field.replace(/"(?:[^"\\]|\\.)*"/g, " ").replace(/\([^()]*\)/g, " ");
  const [first = ""] = plain.split(",", 1);
  const written = /<([^<>]*)>/.exec(first)?.[1] ?? first;
  const address = written.trim();
  return ADDRESS.test(address) ? address : null;
}
