import { decodeText } from "../decode.ts";
import { decodeTransfer, unflow } from "./mime-body.ts";
import { parameterOf } from "./mime-header.ts";

/** Where the bytes of one message stand. */
export interface ByteRange {
  start: number;
  end: number;
  /** At most `length` bytes from `start` on; fewer where the file ends before. */
  read(start: number, length: number): Promise<Buffer>;
  /** Whether it stands in an mbox file, where a line that begins with `From ` has one `>` more. */
  isQuoted: boolean;
}

/** A part of a message that people read. */
export interface TextPart {
  isHtml: boolean;
  /** The number of the multipart/alternative that it is one form of; null where it stands by itself. */
  alternative: number | null;
  charset: string | undefined;
  text: string;
}

/** What is read of one message. */
interface MimeMessage {
  /** The first field of each name that is asked for, by its name in lower case, unfolded; empty when there are no headers. */
  fields: Map<string, Buffer>;
  parts: TextPart[];
  /** Whether it has any header at all. */
  hasHeaders: boolean;
  /** Bytes behind the bound, which nobody looked at; 0 where there was text enough before. */
  unread: number;
}

const CHUNK_BYTES = 64 * 1024;
/** Of the text of all parts, as it is sent: an item keeps far less. */
const TEXT_BYTES_MAX = 128 * 1024;
/** The same where a part is HTML, which may hold its pictures before the first word. */
const HTML_BYTES_MAX = 8 * 1024 * 1024;
const HTML = /html|enriched/;
const PARTS_MAX = 100;
const FIELD_BYTES_MAX = 16 * 1024;
const DEPTH_MAX = 20;
const BOUNDARY_CHARS_MAX = 1_000;

const FIELD = /^([!-9;-~]{1,100})[ \t]*:/;
const READ_FIELDS = new Set(
  (
    "subject from sender reply-to date received message-id references in-reply-to " +
    "content-type content-transfer-encoding content-disposition"
  ).split(" "),
);

/** A part that is being read: its headers first, then its body. */
interface OpenPart {
  fields: Map<string, Buffer[]>;
  body: Buffer[];
  /** What becomes of the body's lines. */
  use: "headers" | "text" | "nothing";
  type: string;
}

interface OpenMultipart {
  subtype: string;
  /** Null where its header names none: then the first line that looks like one does. */
  boundary: string | null;
  id: number;
}

/**
 * Reads a message (RFC 5322, 2045, 2046) line by line, of any size, in bounded memory: its headers, and the text parts that
 * are no attachments; all else is passed over without being kept. A file of another program's making may break any of the
 * rules, so nothing here fails: what cannot be understood is not there. At most `bytesMax` bytes are looked at.
 */
export async function readMime(range: ByteRange, bytesMax: number): Promise<MimeMessage> {
  const reader = createReader();
  const end = Math.min(range.end, range.start + bytesMax);
  const take = range.isQuoted ? (line: Buffer) => reader.take(unquoted(line)) : reader.take;
  let rest: Buffer = Buffer.alloc(0);
  let at = range.start;
  while (at < end && !reader.isFull()) {
    const chunk = await range.read(at, Math.min(CHUNK_BYTES, end - at));
    if (chunk.length === 0) break;
    at += chunk.length;
    rest = takeLines(Buffer.concat([rest, chunk]), take);
  }
  if (rest.length > 0) take(rest);
  return { ...reader.finish(), unread: reader.isFull() ? 0 : range.end - at };
}

/** mboxrd: a line that begins with `From ` is quoted with one more `>`. */
export function unquoted(line: Buffer): Buffer {
  const isQuoted = line[0] === 0x3e && /^>+From /.test(line.subarray(0, 200).toString("latin1"));
  return isQuoted ? line.subarray(1) : line;
}

/** Hands over whole lines without their ends, and gives what is left. A line longer than a chunk comes in pieces. */
function takeLines(bytes: Buffer, take: (line: Buffer) => void): Buffer {
  let at = 0;
  for (let next = bytes.indexOf(0x0a); next !== -1; next = bytes.indexOf(0x0a, at)) {
    take(bytes.subarray(at, next > at && bytes[next - 1] === 0x0d ? next - 1 : next));
    at = next + 1;
  }
  if (bytes.length - at <= CHUNK_BYTES) return bytes.subarray(at);
  take(bytes.subarray(at));
  return Buffer.alloc(0);
}

function createReader() {
  const parts: TextPart[] = [];
  const multiparts: OpenMultipart[] = [];
  let top: Map<string, Buffer> | null = null;
  let hasHeaders = false;
  let textBytes = 0;
  let multipartCount = 0;
  let part = openPart("text/plain");
  /** The field that a folded line goes on with. */
  let field: Buffer[] | null = null;
  let fieldBytes = 0;

  return { take, finish, isFull };

  function isFull(): boolean {
    return parts.length >= PARTS_MAX || (part.use === "text" && textBytes >= bytesMaxOf(part));
  }

  function take(line: Buffer): void {
    if (line[0] === 0x2d && line[1] === 0x2d && takeBoundary(line)) return;
    if (part.use === "headers") takeHeader(line);
    else if (part.use === "text" && textBytes < bytesMaxOf(part)) {
      part.body.push(line);
      textBytes += line.length + 1;
    }
  }

  function takeBoundary(line: Buffer): boolean {
    const written = line
      .subarray(2, BOUNDARY_CHARS_MAX + 4)
      .toString("latin1")
      .trimEnd();
    const innermost = multiparts.at(-1);
    if (innermost !== undefined && innermost.boundary === null && written !== "")
      innermost.boundary = written;
    const index = multiparts.findLastIndex(
      ({ boundary }) => boundary === written || `${boundary}--` === written,
    );
    const multipart = multiparts[index];
    if (multipart === undefined) return false;
    closePart();
    const isEnd = multipart.boundary !== written;
    multiparts.length = isEnd ? index : index + 1;
    part = openPart(multipart.subtype === "digest" ? "message/rfc822" : "text/plain");
    if (isEnd) part.use = "nothing";
    field = null;
    return true;
  }

  function takeHeader(line: Buffer): void {
    if (line.length === 0) endHeaders();
    else if (line[0] === 0x20 || line[0] === 0x09) {
      if (fieldBytes < FIELD_BYTES_MAX) field?.push(line.subarray(0, FIELD_BYTES_MAX));
      fieldBytes += line.length + 1;
    } else {
      const name = FIELD.exec(line.subarray(0, 120).toString("latin1"))?.[0];
      const key = name?.slice(0, -1).trimEnd().toLowerCase() ?? "";
      hasHeaders ||= name !== undefined;
      field = READ_FIELDS.has(key) && !part.fields.has(key) ? [] : null;
      if (field === null || name === undefined) return;
      field.push(line.subarray(name.length, FIELD_BYTES_MAX));
      fieldBytes = line.length;
      part.fields.set(key, field);
    }
  }

  function endHeaders(): void {
    const fields = new Map([...part.fields].map(([name, lines]) => [name, Buffer.concat(lines)]));
    top ??= fields;
    const contentType = fields.get("content-type")?.toString("latin1") ?? "";
    part.type = /^\s*"?([\w.+-]+\/[\w.+-]+)/.exec(contentType)?.[1]?.toLowerCase() ?? part.type;
    const isReport = multiparts.some(({ subtype }) => subtype === "report");
    part.use = isReport && part.type === "message/rfc822" ? "nothing" : useOf(part.type, fields);
    field = null;
    const subtype = /^multipart\/(.*)/.exec(part.type)?.[1];
    if (subtype !== undefined && multiparts.length < DEPTH_MAX) {
      const boundary = parameterOf(contentType, "boundary")?.slice(0, BOUNDARY_CHARS_MAX).trimEnd() || null;
      multiparts.push({ subtype, boundary, id: ++multipartCount });
    }
    // What follows are the headers of the message within.
    else if (part.type === "message/rfc822" && part.use === "headers") part = openPart("text/plain");
  }

  function closePart(): void {
    if (part.use === "headers" && part.fields.size > 0) endHeaders();
    if (part.use !== "text") return;
    part.use = "nothing";
    const alternative = multiparts.findLast(({ subtype }) => subtype === "alternative")?.id ?? null;
    parts.push({ isHtml: HTML.test(part.type), alternative, ...textOf(part) });
  }

  function finish(): Omit<MimeMessage, "unread"> {
    closePart();
    return { fields: top ?? new Map(), parts, hasHeaders };
  }
}

function bytesMaxOf({ type }: OpenPart): number {
  return HTML.test(type) ? HTML_BYTES_MAX : TEXT_BYTES_MAX;
}

function openPart(type: string): OpenPart {
  return { fields: new Map(), body: [], use: "headers", type };
}

/** Text that is no attachment is kept, what a message holds is looked into. */
function useOf(type: string, fields: Map<string, Buffer>): OpenPart["use"] {
  const isAttachment = /^\s*"?attachment\b/i.test(
    fields.get("content-disposition")?.toString("latin1") ?? "",
  );
  if (isAttachment) return "nothing";
  const isEncoded = /base64|quoted/i.test(fields.get("content-transfer-encoding")?.toString("latin1") ?? "");
  if (type === "message/rfc822" && !isEncoded) return "headers";
  return /^text\/(?:plain|html|markdown|enriched)$|^application\/xhtml\+xml$/.test(type) ? "text" : "nothing";
}

function textOf({ fields, body }: OpenPart): Pick<TextPart, "charset" | "text"> {
  const encoding = fields.get("content-transfer-encoding")?.toString() ?? "";
  const contentType =
    fields
      .get("content-type")
      ?.map((line) => line.toString("latin1"))
      .join("") ?? "";
  const charset = parameterOf(contentType, "charset");
  const text = decodeText(decodeTransfer(body, encoding), charset);
  if (parameterOf(contentType, "format")?.toLowerCase() !== "flowed") return { charset, text };
  return { charset, text: unflow(text, parameterOf(contentType, "delsp")?.toLowerCase() === "yes") };
}
