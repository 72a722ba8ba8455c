import PostalMime from "postal-mime";
import { messageOf } from "../../lib/errors.ts";
import { htmlToText } from "../digest/html-text.ts";
import { ITEM_TEXT_CHARS_MAX, type RawItem } from "../digest/item.ts";
import { SourceUnreadable } from "./source.ts";

/** The text comes before attachments, and the time of the parser grows with the square of some inputs. */
const PARSED_BYTES_MAX = 128 * 1024;
/** The parser makes an object of each line: a mail of nothing but line ends takes it seconds and 200 MB. */
const PARSED_LINES_MAX = 6_000;

/**
 * One message (RFC 5322, MIME): subject, text, date, Message-ID. Attachments are not looked into.
 * @throws SourceUnreadable when its parts are nested too deep, its headers are too large, or there are none.
 */
export async function parseMail(bytes: Uint8Array): Promise<RawItem> {
  try {
    const email = await PostalMime.parse(parsedPart(bytes), {
      maxNestingDepth: 20,
      maxHeadersSize: 64 * 1024,
      maxRfc822NestingDepth: 2,
    });
    if (email.headers.length === 0) throw new SourceUnreadable("it has no mail headers");
    const plain = email.text?.trim() ? email.text : undefined;
    return {
      id: email.messageId,
      title: email.subject,
      text: plain ?? htmlToText(email.html ?? "", ITEM_TEXT_CHARS_MAX),
      publishedAt: email.date,
    };
  } catch (error) {
    if (error instanceof SourceUnreadable) throw error;
    throw new SourceUnreadable(`it is no readable mail: ${messageOf(error)}`, { cause: error });
  }
}

function parsedPart(bytes: Uint8Array): Uint8Array {
  let end = 0;
  for (let lines = 0; lines < PARSED_LINES_MAX; lines++) {
    const next = bytes.indexOf(0x0a, end) + 1;
    if (next === 0 || next > PARSED_BYTES_MAX) return bytes.subarray(0, PARSED_BYTES_MAX);
    end = next;
  }
  return bytes.subarray(0, end);
}
