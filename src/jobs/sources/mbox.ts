/** A postmark: `From `, an address, and a date as asctime(3) writes it, which a paragraph that begins with "From" has not. */
const POSTMARK_PATTERN = /^From (?:\S+ +)?.*\b\d{1,2}:\d{2}(?::\d{2})?\b.*\b\d{4}\b/;

/** A longer line is none, and would keep the pattern busy for as long as someone wants. */
const POSTMARK_CHARS_MAX = 300;

/**
 * The messages of an mbox file (RFC 4155, and the quoting called mboxrd), as raw bytes, first to last. Null when the
 * file does not begin with a postmark. A postmark counts at the start and after an empty line; `>From ` loses one `>`.
 */
export function splitMbox(bytes: Uint8Array): Uint8Array[] | null {
  // Latin-1 maps each byte to one character and back, so that every message keeps its own encoding.
  const lines = Buffer.from(bytes).toString("latin1").split("\n");
  if (!isPostmark(lines[0] ?? "")) return null;
  const messages: string[][] = [];
  let isAfterEmpty = true;
  for (const line of lines) {
    const bare = line.replace(/\r$/, "");
    if (isAfterEmpty && isPostmark(bare)) messages.push([]);
    else messages.at(-1)?.push(/^>+From /.test(line) ? line.slice(1) : line);
    isAfterEmpty = bare === "";
  }
  return messages.map((message) => Buffer.from(message.join("\n"), "latin1"));
}

function isPostmark(line: string): boolean {
  return line.length <= POSTMARK_CHARS_MAX && POSTMARK_PATTERN.test(line);
}
