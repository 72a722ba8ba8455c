import { HOSTILE, type Random } from "./hostile-text.ts";

/** What parsers trip over, whatever they parse. */
const POISON = [
  "\u0000",
  "\uFEFF",
  "\uD800",
  "]]>",
  "<![CDATA[",
  "<!--",
  "<!DOCTYPE x [<!ENTITY a 'b'>]>",
  "&#x0;",
  "&#xFFFFFFFF;",
  "&nope;",
  "&amp;amp;",
  "<a><a><a>",
  "</",
  "/>",
  "xmlns:x='y'",
  '"',
  "'",
  "{",
  "}}",
  "[[[",
  ",",
  "null",
  "true",
  "-0",
  "1e309",
  "9007199254740993",
  "0x10",
  "NaN",
  '"__proto__":{"x":1},',
  "constructor",
  "&anchor",
  "*anchor",
  "!!binary",
  "!!js/function",
  "<<: *a",
  "- ",
  "\t",
  ": ",
  "? ",
  "|",
  ">-",
  "---",
  "...",
  "%YAML 9.9",
  // biome-ignore lint/suspicious/noTemplateCurlyInString: afk.yaml reads the environment so.
  "${NAME}",
  "${",
  "\r\n\r\n",
  "--boundary",
  "Content-Type: multipart/mixed; boundary=",
  "Content-Transfer-Encoding: base64",
  "=?utf-8?B?////?=",
  "=?x?Q?=00?=",
  "From a@b Sat Nov 21 10:00:00 2026",
  "99999-99-99T99:99:99Z",
  "Thu, 32 Foo 2026",
  "javascript:alert(1)",
  "http://[",
  "http://\u0000",
  "../../..",
];
/** A mutant is no longer than some multiple of what it was made from. */
const LENGTH_MAX = 60_000;

/** A text made from valid ones by one to six changes that keep most of their structure. */
export function mutant(corpus: readonly string[], random: Random): string {
  let text = random.of(corpus);
  for (let left = 1 + random.below(6); left > 0; left--)
    text = change(text, corpus, random).slice(0, LENGTH_MAX);
  return text;
}

/** The same as bytes, of which some may be changed: not every mutant is UTF-8. */
export function mutantBytes(corpus: readonly string[], random: Random): Uint8Array {
  const bytes = Buffer.from(
    mutant(corpus, random),
    random.of(["utf8", "utf8", "utf8", "latin1", "utf16le"] as const),
  );
  for (let left = random.of([0, 0, 0, 1, 8]); left > 0 && bytes.length > 0; left--) {
    bytes[random.below(bytes.length)] = random.below(256);
  }
  return bytes;
}

function change(text: string, corpus: readonly string[], random: Random): string {
  const from = border(text, random);
  const to = Math.max(from, Math.min(border(text, random), from + 2_000));
  const [before, span, after] = [text.slice(0, from), text.slice(from, to), text.slice(to)];
  switch (random.below(9)) {
    case 0:
      return before + after;
    case 1:
      return before + span + span + after;
    case 2:
      return before + span.repeat(random.below(40)) + after;
    case 3:
      return before + random.of(POISON) + span + after;
    case 4:
      return before + random.of(POISON) + after;
    case 5:
      return before + random.of(Object.values(HOSTILE))(random) + after;
    case 6:
      return before + random.of(corpus).slice(border(text, random));
    case 7:
      return before;
    default:
      return after + span + before;
  }
}

/** A place in the text, most often where something begins or ends. */
function border(text: string, random: Random): number {
  const at = random.below(text.length + 1);
  if (random.below(4) === 0) return at;
  const next = text.slice(at).search(/[<>{}[\]",:;\n&]/);
  return next < 0 ? at : at + next + random.below(2);
}
