import { calendarIn, datesIn } from "./calendar.ts";
import { isInOtherLanguage, languageCode, languageOf } from "./language.ts";
import { echoOf, faultOfManner, unknownAddress } from "./manner.ts";
import { unknownName } from "./names.ts";
import { isIn, numbersIn, type Quantity, quantitiesIn } from "./numbers.ts";
import { UNITS } from "./units.ts";

/** What a summary is checked against. */
interface Basis {
  /** All that the model was given to read: title, text and address. */
  source: string;
  /** What it was told to do with it. */
  instructions: string;
  /** As afk.yaml has it; null where none was asked for. */
  language: string | null;
}

/** Longest text that is compared. */
const SOURCE_CHARS_MAX = 32_000;

/**
 * Why a summary may not be printed as a model wrote it, as half a sentence; null where nothing speaks against it. It is
 * checked as words, by rules that are in docs/digest.md: what it says may still be wrong.
 */
export function faultOf(summary: string, basis: Basis): string | null {
  const source = basis.source.slice(0, SOURCE_CHARS_MAX);
  const echo = echoOf(summary, basis.instructions, source);
  if (echo !== null) return `it repeated its instructions ("${echo}")`;
  const manner = faultOfManner(summary, source);
  if (manner !== null) return manner;
  const asked = basis.language === null ? null : languageCode(basis.language);
  if (asked !== null && isInOtherLanguage(summary, asked)) return `it is not in ${basis.language}`;
  const ofSource = languageOf(source);
  const language = asked ?? languageOf(summary) ?? ofSource;
  return (
    notInText(unknownAddress(summary, source)) ??
    faultOfNumbers(summary, source, language) ??
    faultOfDates(summary, source, language) ??
    notInText(unknownName(summary, source, { summary: language, source: ofSource }))
  );
}

function notInText(name: string | null): string | null {
  return name === null ? null : `it named ${name}, which the text does not`;
}

function faultOfNumbers(summary: string, source: string, language: string | null): string | null {
  const numbers = numbersIn(source);
  const quantities = quantitiesIn(source);
  for (const quantity of quantitiesIn(summary, language)) {
    if (!isIn(quantity, numbers) && !isDate(quantity, numbers, source) && !isConverted(quantity, quantities))
      return notInText(quantity.text);
    const other = otherUnit(quantity, quantities);
    if (other !== null) return `it said ${quantity.text} ${quantity.unit}, where the text says ${other}`;
  }
  return null;
}

/** 1.2 m, for 120 cm. */
function isConverted(quantity: Quantity, quantities: Quantity[]): boolean {
  const sizes = sizesOf(quantity);
  return quantities.some((other) => sizesOf(other).some((size) => sizes.includes(size)));
}

function sizesOf({ values, unit }: Quantity): string[] {
  const { size } = UNITS.find(({ name }) => name === unit) ?? {};
  return size === undefined
    ? []
    : values.map((value) => `${size[0]} ${(Number(value) * size[1]).toPrecision(6)}`);
}

/** `14.10.` and `10/14`, where the source names day and month in whatever way. */
function isDate({ text }: Quantity, numbers: ReadonlySet<string>, source: string): boolean {
  const [, one, other] = /^0?(\d{1,2})[./]0?(\d{1,2})$/.exec(text) ?? [];
  if (one === undefined || other === undefined) return false;
  const months = datesIn(source);
  return (
    (numbers.has(one) && months.has(`month ${other}`)) || (numbers.has(other) && months.has(`month ${one}`))
  );
}

/** The unit that the same number has in the source, where it is there with others only. */
function otherUnit(quantity: Quantity, quantities: Quantity[]): string | null {
  if (quantity.unit === null) return null;
  const same = quantities.filter(({ values }) => values.some((value) => quantity.values.includes(value)));
  if (same.length === 0 || same.some(({ unit }) => unit === null || unit === quantity.unit)) return null;
  return same[0]?.unit ?? null;
}

function faultOfDates(summary: string, source: string, language: string | null): string | null {
  const known = datesIn(source);
  for (const [meant, word] of calendarIn(summary, [language ?? "en"])) {
    if (!known.has(meant)) return notInText(word);
  }
  return null;
}
