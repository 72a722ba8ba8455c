import { SourceUnreadable } from "./source.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** One of these stands before every value but the first: comma, colon, bracket, brace. */
const BEFORE_VALUES = new Set([0x2c, 0x3a, 0x5b, 0x7b]);

/**
 * JSON.parse for documents of at most `valuesMax` values: two bytes of JSON can become sixty of memory.
 * @throws SourceUnreadable for more values; SyntaxError for what is no JSON.
 */
export function parseBoundedJson(text: string, valuesMax: number): unknown {
  let values = 0;
  let isInString = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) isInString = !isInString;
    else if (isInString && code === BACKSLASH) at++;
    else if (!isInString && BEFORE_VALUES.has(code)) values++;
    if (values > valuesMax)
      throw new SourceUnreadable(`it has more than ${valuesMax} values, and is not read`);
  }
  return JSON.parse(text);
}
