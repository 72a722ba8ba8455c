/** The bytes of a body from its lines (RFC 2045, section 6). `encoding` is the field; one that is not known says nothing. */
export function decodeTransfer(lines: Buffer[], encoding: string): Buffer {
  const isQuoted = /quoted/i.test(encoding);
  const written = Buffer.concat(lines.flatMap((line) => [isQuoted ? trimmedEnd(line) : line, NEWLINE]));
  if (/base64/i.test(encoding)) return Buffer.from(written.toString("latin1"), "base64");
  if (!isQuoted) return written;
  const text = written
    .toString("latin1")
    .replace(/=\n/g, "")
    .replace(/=([0-9A-F]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(text, "latin1");
}

const NEWLINE = Buffer.from("\n");

/** Spaces at the end of a line were put there on the way. */
function trimmedEnd(line: Buffer): Buffer {
  let end = line.length;
  while (end > 0 && (line[end - 1] === 0x20 || line[end - 1] === 0x09)) end--;
  return line.subarray(0, end);
}

/** A line that ends in a space goes on in the next (RFC 3676), but for the mark before a signature. */
export function unflow(text: string, dropsSpace: boolean): string {
  return text.replace(/^ /gm, "").replace(/(^-- | )?\r?\n/gm, (end, space: string | undefined) => {
    if (space !== " ") return end;
    return dropsSpace ? "" : " ";
  });
}
