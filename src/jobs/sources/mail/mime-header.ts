import { decodeText } from "../decode.ts";

/** Of a text in encoded words, however many there are. */
const WORDS_CHARS_MAX = 16 * 1024;
const ENCODED_WORD = /=\?([^?\s]{1,60})\?([BQ])\?([^?]*)\?=/gi;

/**
 * The text of a header field: encoded words (RFC 2047, RFC 2231) decoded, and bytes that should not be there read as UTF-8 or as
 * what `charset` names. Words side by side are decoded together, as some programs cut within a character.
 */
export function fieldText(bytes: Uint8Array, charset: string | null = null): string {
  const raw = decodeText(bytes, charset).slice(0, WORDS_CHARS_MAX);
  const pieces: (string | Word)[] = [];
  let end = 0;
  for (const word of raw.matchAll(ENCODED_WORD)) {
    const [whole, label = "", encoding = "", encoded = ""] = word;
    const between = raw.slice(end, word.index);
    const last = pieces.at(-1);
    const isBeside = last !== undefined && between.trim() === "";
    if (!isBeside) pieces.push(between);
    end = word.index + whole.length;
    const wordCharset = label.replace(/\*.*/, "").toLowerCase();
    const wordBytes = bytesOf(encoding, encoded);
    // ISO-2022 begins and ends each word in ASCII, and allows no such change without a character.
    const isJoined = isBeside && typeof last !== "string" && last.charset === wordCharset;
    if (isJoined && !/^iso-2022/.test(wordCharset)) last.bytes.push(wordBytes);
    else pieces.push({ charset: wordCharset, bytes: [wordBytes] });
  }
  const texts = pieces.map((piece) =>
    typeof piece === "string" ? piece : decodeText(Buffer.concat(piece.bytes), piece.charset),
  );
  return (texts.join("") + raw.slice(end)).trim();
}

/** Encoded words in the same charset that stand side by side. */
interface Word {
  charset: string;
  bytes: Buffer[];
}

function bytesOf(encoding: string, encoded: string): Buffer {
  if (encoding.toUpperCase() === "B") return Buffer.from(encoded, "base64");
  // A word that was folded as a body is has a `=` at the end of its line.
  const joined = encoded.replace(/=(?:\s+(?![0-9A-F]{2})|$)/gi, "");
  const parts = joined.replaceAll("_", " ").split(/=\s*([0-9A-F]{2})/gi);
  return Buffer.concat(parts.map((part, index) => Buffer.from(part, index % 2 === 1 ? "hex" : "utf8")));
}

/**
 * A parameter of a header field (RFC 2045, section 5.1), also where it comes in pieces or with a charset of its own (RFC 2231);
 * the first where there are several. `field` is Latin-1.
 */
export function parameterOf(field: string, name: string): string | undefined {
  const pieces: string[] = [];
  for (const [, key = "", quoted, token] of field.matchAll(PARAMETER)) {
    const [base, ...marks] = key.toLowerCase().split("*");
    if (base !== name) continue;
    const value = quoted?.replace(/\\(.)/g, "$1") ?? token ?? "";
    const piece = Number.parseInt(marks[0] ?? "", 10);
    if (Number.isNaN(piece)) return marks.length === 0 ? value : extended(value);
    if (piece < PIECES_MAX) pieces[piece] ??= marks.length > 1 ? extended(value) : value;
  }
  return pieces.length === 0 ? undefined : pieces.join("");
}

const PARAMETER = /;\s*([\w*!#$&.^`{|}~+-]{1,60})\s*=\s*(?:"((?:[^"\\]|\\.)*)"?|([^\s;]*))/g;
const PIECES_MAX = 100;

/** Only names of charsets and boundaries are looked for, which are ASCII. */
function extended(value: string): string {
  return value
    .replace(/^[\w.:-]*'[\w-]*'/, "")
    .replace(/%([0-9A-F]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
