import type { OpenFile } from "../read-file.ts";
import { SourceUnreadable } from "../source.ts";

/** A postmark: `From `, an address, and a date as asctime(3) writes it, which a paragraph that begins with "From" has not. */
const POSTMARK_START = "From ";
const TIME_OF_DAY = /\b\d{1,2}:\d{2}(?::\d{2})?\b/;
const YEAR = /\b\d{4}\b/;

/** A longer line is none. */
const POSTMARK_CHARS_MAX = 300;
/** One that nobody writes in a text: with the names of day and month, and a header field in the next line. */
const SURE_POSTMARK =
  /^From \S+ +(?:at \S+ +)?(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? (?:[A-Z][a-z]{2} +\d{1,2}|\d{1,2} +[A-Z][a-z]{2}) [^\n]*\r?\n[!-9;-~]{1,100}:/;
const DELIVERED = /\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)\b.*/;
const CHUNK_BYTES = 1024 * 1024;
/** An empty line that ends in CR LF, before a postmark. */
const BEFORE_BYTES = 3;
const START_BYTES = 4_096;
const LINE_END = "\n".charCodeAt(0);

/** Where one message stands, without its postmark, and the date in that. */
interface MboxMessage {
  start: number;
  end: number;
  deliveredAt: string | undefined;
}

/** The last messages of an mbox file, and how many bytes before them were not looked at, or hold messages that are too many. */
interface MboxTail {
  messages: MboxMessage[];
  before: number;
}

/**
 * The last messages of an mbox file (RFC 4155), oldest first, without their postmarks: new mail is appended, so they are the
 * newest. A postmark counts at the start and after an empty line, a sure one on any line. Looks at no more than `bytesMax` from the end.
 * @throws SourceUnreadable when the file does not begin with a postmark, or no message begins in what was looked at.
 */
export async function lastMessages(
  file: OpenFile,
  { bytesMax, messagesMax }: { bytesMax: number; messagesMax: number },
): Promise<MboxTail> {
  // A mailbox without mail.
  if (file.sizeBytes === 0) return { messages: [], before: 0 };
  const start = (await file.read(0, START_BYTES)).toString("latin1");
  const blank = /^(?:\xEF\xBB\xBF)?[\r\n]*/.exec(start)?.[0].length ?? 0;
  if (!isPostmark(start.slice(blank)))
    throw new SourceUnreadable("it does not begin with a `From ` line, as an mbox file does");
  const limit = Math.max(0, file.sizeBytes - bytesMax);
  const messages: MboxTail["messages"] = [];
  let end = file.sizeBytes;
  for (let to = file.sizeBytes; to > limit && messages.length < messagesMax; to -= CHUNK_BYTES) {
    const from = Math.max(limit, to - CHUNK_BYTES);
    for (const postmark of await postmarksIn(file, from, to, blank)) {
      if (messages.length === messagesMax) break;
      messages.push({ start: postmark.end, end, deliveredAt: DELIVERED.exec(postmark.line)?.[0] });
      // The line end before it belongs to the empty line that parts the messages.
      end = Math.max(0, postmark.start - 1);
    }
  }
  if (messages.length === 0)
    throw new SourceUnreadable(`no message begins in its last ${bytesMax} bytes; max_bytes can be raised`);
  return { messages: messages.reverse(), before: end <= blank ? 0 : end };
}

/** The postmarks that begin in `from` to `to`, last to first. */
async function postmarksIn(file: OpenFile, from: number, to: number, first: number) {
  const base = Math.max(0, from - BEFORE_BYTES);
  const bytes = await file.read(base, to - base + POSTMARK_CHARS_MAX + 1);
  const found: { start: number; end: number; line: string }[] = [];
  let at = bytes.lastIndexOf(POSTMARK_START, to - 1 - base);
  for (; at >= from - base; at = at === 0 ? -1 : bytes.lastIndexOf(POSTMARK_START, at - 1)) {
    const isFirst = base + at === first;
    // Before anything is decoded: a text may be full of the word.
    if (!isFirst && at > 0 && bytes[at - 1] !== LINE_END) continue;
    const before = bytes.subarray(Math.max(0, at - BEFORE_BYTES), at).toString("latin1");
    const line = bytes.subarray(at, at + POSTMARK_CHARS_MAX + 1).toString("latin1");
    // Some programs put no empty line between messages.
    const isAfterEmpty = isFirst || /(?:^|\n)\r?\n$/.test(before);
    if (!isAfterEmpty && !(before.endsWith("\n") && SURE_POSTMARK.test(line))) continue;
    if (!isPostmark(line)) continue;
    const lineEnd = line.indexOf("\n");
    const start = base + at;
    const end = start + (lineEnd === -1 ? line.length : lineEnd + 1);
    found.push({ start, end, line: line.slice(0, end - start) });
  }
  return found;
}

/** `text` begins with the line, and may go on. */
function isPostmark(text: string): boolean {
  const line = text.split("\n", 1)[0] ?? "";
  if (line.length > POSTMARK_CHARS_MAX || !line.startsWith(POSTMARK_START)) return false;
  const time = TIME_OF_DAY.exec(line);
  // One search after the other, as a pattern of both tries each time of day with each rest of the line.
  return time !== null && YEAR.test(line.slice(time.index + time[0].length));
}
