import chardet from "chardet";

/** Of a document's start: where an XML declaration or an HTML `meta` that names the encoding is looked for. */
const HEAD_BYTES = 4_096;
/** Of the words with bytes above 127: what the encoding is guessed from where nothing that names one can be right. */
const SAMPLE_CHARS = 8_192;
/** Of the bytes that these words are looked for in. */
const SEARCHED_BYTES = 256 * 1024;

const XML_DECLARATION = /<\?xml\s[^>]{0,300}?\bencoding\s*=\s*["']\s*([\w.:-]{1,40})\s*["']/i;
const HTML_DECLARATION = /<meta\s[^>]{0,300}?\bcharset\s*=\s*["']?\s*([\w.:-]{1,40})/i;
/** Encodings with characters of several bytes, short texts of which can be valid UTF-8 by accident. */
const MULTI_BYTE = /^(?:gb|big5|euc-|shift_jis|iso-2022)/;
/** What takes three bytes or four in UTF-8: too regular for an accident. */
const WIDE = /[\u0800-\uffff]/;
/** Scripts that are told apart by their letters. Latin ones look too much alike: without a name they are windows-1252. */
const NOT_LATIN =
  /^(?:windows-(?:874|1251|1253|1255|1256)|KOI8-R|ISO-8859-[5678]|Shift_JIS|Big5|EUC-JP|EUC-KR|GB18030)$/;
/** For U+0080 to U+009F, which nobody means: programs took windows-1252 for ISO 8859-1 and wrote its bytes as code points. */
const MEANT = new TextDecoder("windows-1252").decode(Uint8Array.from({ length: 32 }, (_, n) => 0x80 + n));
/** Names that programs write and the Encoding Standard does not know. */
const ALIASES = new Map([
  ["cp932", "shift_jis"],
  ["cp936", "gbk"],
  ["cp949", "euc-kr"],
  ["cp950", "big5"],
  ["latin-1", "latin1"],
  ["iso8859-8i", "iso-8859-8-i"],
]);

/**
 * Text from outside, whatever its encoding: a byte order mark decides, then UTF-16 and UTF-32 by their zeros, `charset` (of a
 * Content-Type), the document's own declaration, UTF-8, windows-1252 (RFC 7303, section 3; Encoding Standard). A name that the bytes
 * contradict is passed over: what is valid UTF-8 beyond ASCII was not meant as windows-1251. Never fails; what no
 * encoding explains becomes U+FFFD.
 */
export function decodeText(bytes: Uint8Array, charset?: string | null): string {
  return decode(bytes, charset ?? null).replace(/[\x80-\x9f]/g, (at) => MEANT[at.charCodeAt(0) - 0x80] ?? "");
}

function decode(bytes: Uint8Array, charset: string | null): string {
  const unicode = unicodeForm(bytes) ?? sevenBitForm(bytes, charset);
  if (unicode !== null) return unicode;
  const utf8 = decodeStrictly("utf-8", bytes);
  const isUtf8 = utf8 !== null && WIDE.test(utf8);
  const labels = [charset, declaredIn(bytes)].map(labelOf).filter((label) => label !== null);
  const others = labels.filter((label) => label !== "utf-8" && (utf8 === null || MULTI_BYTE.test(label)));
  for (const label of isUtf8 ? [] : others) {
    const text = decodeStrictly(label, bytes);
    if (text !== null) return text;
  }
  return utf8 ?? mostlyRight(["utf-8", ...others], bytes) ?? new TextDecoder(guess(bytes)).decode(bytes);
}

/** UTF-8, UTF-16 and UTF-32 by what they begin with; null for all else. */
function unicodeForm(bytes: Uint8Array): string | null {
  const start = Buffer.from(bytes.subarray(0, 4)).toString("hex");
  if (start.startsWith("efbbbf")) return new TextDecoder().decode(bytes);
  if (/^0000(?:feff|00[2-7])/.test(start)) return decodeUtf32(bytes, false);
  if (/^(?:fffe|[2-7].00)0000/.test(start)) return decodeUtf32(bytes, true);
  if (/^(?:feff|00[2-7].00)/.test(start)) return new TextDecoder("utf-16be").decode(bytes);
  if (/^(?:fffe|[2-7].00..00)/.test(start)) return new TextDecoder("utf-16le").decode(bytes);
  return null;
}

/** Old mail: what looks like ASCII and is none. Strictly decoded, one mistake would leave the escape sequences of all of it. */
function sevenBitForm(bytes: Uint8Array, charset: string | null): string | null {
  const isUtf7 = /^\s*(?:x-|unicode-1-1-)*utf-?7\s*$/i.test(charset ?? "");
  if (!isUtf7 && !bytes.includes(0x1b)) return null;
  const text = Buffer.from(bytes).toString("latin1");
  if (/[\x80-\xff]/.test(text)) return null;
  if (isUtf7) return text.replace(/\+([A-Za-z0-9+/]*)-?/g, (_, encoded: string) => utf7Run(encoded));
  return text.includes("\x1b$@") || text.includes("\x1b$B")
    ? new TextDecoder("iso-2022-jp").decode(bytes)
    : null;
}

/** RFC 2152: UTF-16 in base64, and nothing for a plus. */
function utf7Run(encoded: string): string {
  const bytes = Buffer.from(encoded, "base64");
  return encoded === "" ? "+" : new TextDecoder("utf-16be").decode(bytes.subarray(0, bytes.length & ~1));
}

/** No part of the Encoding Standard; some servers send it. */
function decodeUtf32(bytes: Uint8Array, isLittleEndian: boolean): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const parts: string[] = [];
  for (let at = 0; at + 4 <= bytes.byteLength; at += 4) {
    const point = view.getUint32(at, isLittleEndian);
    parts.push(point > 0x10ffff ? "\ufffd" : String.fromCodePoint(point));
  }
  return parts.join("").replace(/^\ufeff/, "");
}

function declaredIn(bytes: Uint8Array): string | null {
  const head = Buffer.from(bytes.subarray(0, HEAD_BYTES)).toString("latin1");
  return (XML_DECLARATION.exec(head) ?? HTML_DECLARATION.exec(head))?.[1] ?? null;
}

/** The Encoding Standard's name; null for none that is known, and for UTF-16, which these bytes would have shown by their zeros. */
function labelOf(name: string | null): string | null {
  const lower = (name ?? "").trim().toLowerCase().replaceAll("_", "-");
  const spelled = lower.replace(/^(?:cp|win|windows|x-cp)-?(?=125\d$|874$)/, "windows-");
  for (const label of [spelled, ALIASES.get(lower), (name ?? "").trim()]) {
    try {
      if (label !== undefined) {
        const { encoding } = new TextDecoder(label);
        return encoding.startsWith("utf-16") ? null : encoding;
      }
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  }
  return null;
}

function decodeStrictly(label: string, bytes: Uint8Array): string | null {
  try {
    return new TextDecoder(label, { fatal: true }).decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
}

/** The first decoding in which errors are rarer than what it explains: one broken character does not change the encoding. */
function mostlyRight(labels: string[], bytes: Uint8Array): string | null {
  for (const label of labels) {
    const text = new TextDecoder(label).decode(bytes);
    let [errors, beyondAscii] = [0, 0];
    for (let at = 0; at < text.length; at++) {
      const unit = text.charCodeAt(at);
      if (unit > 0x7f) beyondAscii++;
      if (unit === 0xfffd) errors++;
    }
    if (errors * 3 <= beyondAscii) return text;
  }
  return null;
}

/** From the words alone that have such bytes: tags and English words would speak for a Western encoding. */
function guess(bytes: Uint8Array): string {
  const words = Buffer.from(bytes.subarray(0, SEARCHED_BYTES))
    .toString("latin1")
    // A second byte of a character may be any from 0x40 on.
    .split(/[\0-\x3f]+/)
    .filter((word) => /[\x80-\xff]/.test(word));
  const sample = words.join(" ").slice(0, SAMPLE_CHARS);
  const beyondAscii = sample.match(/[\x80-\xff]/g)?.length ?? 0;
  // Western words are ASCII but for an accent or two.
  if (beyondAscii < 4 || beyondAscii < 0.6 * sample.replaceAll(" ", "").length) return "windows-1252";
  const found = chardet.analyse(Buffer.from(sample, "latin1")).find(({ name }) => NOT_LATIN.test(name));
  return found?.name ?? "windows-1252";
}
