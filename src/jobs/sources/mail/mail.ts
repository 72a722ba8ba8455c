import { parseDate } from "../../../lib/dates.ts";
import { cleanText } from "../../../lib/text.ts";
import { ITEM_TEXT_CHARS_MAX, type RawItem } from "../../items/item.ts";
import { htmlToText } from "../html-text.ts";
import { SourceUnreadable } from "../source.ts";
import { type ByteRange, readMime, type TextPart } from "./mime.ts";
import { fieldText, parameterOf } from "./mime-header.ts";
import { readOrigin } from "./origin.ts";

/** A mail as an item, and how many bytes of it nobody looked at. */
export interface Mail {
  item: RawItem;
  unread: number;
}

/**
 * One message: subject, text, date, sender, Message-ID. Attachments are not looked into; at most `bytesMax` bytes are read.
 * @throws SourceUnreadable when it has no headers.
 */
export async function readMail(range: ByteRange, bytesMax: number): Promise<Mail> {
  const { fields, parts, hasHeaders, unread } = await readMime(range, bytesMax);
  if (!hasHeaders) throw new SourceUnreadable("it has no mail headers");
  const contentType = fields.get("content-type")?.toString("latin1") ?? "";
  const charset = parameterOf(contentType, "charset") ?? parts[0]?.charset ?? null;
  const header = (name: string) => fieldText(fields.get(name) ?? NOTHING, charset);
  const text = textOf(parts);
  return {
    item: {
      id: /<[^<>]*>/.exec(header("message-id"))?.[0] ?? (header("message-id") || undefined),
      // One with an attachment alone is a mail all the same.
      title: header("subject") || (text === "" ? "(no subject)" : ""),
      text,
      publishedAt: dateOf(header("date"), header("received")),
      sender: senderIn(header("from")) ?? senderIn(header("sender")),
      origin: readOrigin(fields, header("subject")),
    },
    unread,
  };
}

const NOTHING = new Uint8Array();

/** The name of the first address (RFC 5322, section 3.4), else the address. */
function senderIn(field: string): string | undefined {
  const [, quoted, bare = "", address = ""] =
    /^\s*(?:"((?:[^"\\]|\\.)*)"|([^<(,]*))\s*(?:<([^>]*)>)?/.exec(field) ?? [];
  const comment = /^[^<]*\(([^()]*)\)/.exec(field)?.[1];
  const names = [quoted?.replace(/\\(.)/g, "$1"), comment, bare, address];
  return names.map((name) => name?.trim().replace(/^'(.*)'$/, "$1")).find((name) => name);
}

/** When it was written, else when the last server took it. */
function dateOf(written: string, received: string): number | undefined {
  return parseDate(written) ?? parseDate(received.slice(received.lastIndexOf(";") + 1)) ?? undefined;
}

/** Of several forms of the same the plain one, unless it is blank; all else in its order. */
function textOf(parts: TextPart[]): string {
  const isBlank = ({ text }: TextPart) => text.trim() === "";
  const hasPlain = new Set(
    parts.filter((part) => !part.isHtml && !isBlank(part)).map(({ alternative }) => alternative),
  );
  const read = parts.filter(
    ({ isHtml, alternative }) => alternative === null || isHtml !== hasPlain.has(alternative),
  );
  const texts = read.map(({ isHtml, text }) => (isHtml ? htmlToText(text, ITEM_TEXT_CHARS_MAX) : text));
  return cleanText(texts.map((text) => text.trim()).join("\n\n"), ITEM_TEXT_CHARS_MAX);
}
