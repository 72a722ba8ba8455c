import { once } from "../../../lib/once.ts";
import { UNITS } from "./units.ts";
import { fold, foldedWords } from "./words.ts";

/** A number in a text: all that it may mean, since `1.234` is two numbers, by the country. */
export interface Quantity {
  /** As it stands there. */
  text: string;
  /** Numbers in their one spelling. */
  values: string[];
  /** `km`, `percent`, `$`…; null where none that is known stands at it. */
  unit: string | null;
}

const GROUPED = /\d{1,3}(?:[ \u00a0\u202f]\d{3})+(?!\d)(?:[.,]\d+)?|\d+(?:[.,'’]\d+){0,6}/g;
/** What multiplies the number before it, from the languages in which summaries are checked; some words mean two things. */
const SCALES: readonly [pattern: RegExp, factors: number[]][] = [
  [
    /^[\s-]?(?:thousand|tausend|tsd\.?|mille|mila|mil|duizend|тыс\.?|тысяч\p{L}*|千)(?!\p{L})(?!\s(?:million|milhoes))/iu,
    [1e3],
  ],
  [/^[\s-]?(?:k)(?!\p{L})/iu, [1e3, 1]],
  [/^\s?mil\s(?:millones|milhões)/iu, [1e9]],
  [
    /^[\s-]?(?:millions?|millionen|mio\.?|mill[oó]n(?:es)?|milion[ei]|mln\.?|milh(?:ão|ões)|miljoen|млн\.?|миллион\p{L}*)(?!\p{L})/iu,
    [1e6],
  ],
  [/^\s?m(?!\p{L})/iu, [1e6, 1]],
  [
    /^[\s-]?(?:milliarden?|mrd\.?|milliards?|miliard[oi]|mld\.?|miljard|bn|bilh(?:ão|ões)|млрд\.?|миллиард\p{L}*)(?!\p{L})/iu,
    [1e9],
  ],
  [/^[\s-]?(?:billions?|billionen|bill[oó]n(?:es)?)(?!\p{L})/iu, [1e9, 1e12]],
  [/^\s?b(?!\p{L})/iu, [1e9, 1]],
  [/^[\s-]?(?:trillions?)(?!\p{L})/iu, [1e12]],
  [/^万/u, [1e4]],
  [/^[億亿]/u, [1e8]],
];

/**
 * The numbers that are written in digits. With a language those that could be read in two ways are read in its own;
 * without, in both.
 */
export function quantitiesIn(text: string, language: string | null = null): Quantity[] {
  const plain = text
    .replace(/\p{Nd}/gu, digit)
    .replace(/(\d+)万(\d{1,4})/gu, (_, ten: string, rest: string) =>
      String(Number(ten) * 1e4 + Number(rest)),
    );
  const inDigits = [...plain.matchAll(GROUPED)].map((match) => {
    const [number] = match;
    const after = plain.slice(match.index + number.length, match.index + number.length + 24);
    const before = plain.slice(Math.max(0, match.index - 3), match.index);
    const [scale, factors] = scaleIn(after);
    const values = valuesOf(number, language).flatMap((value) =>
      factors.map((factor) => spell(value * factor)),
    );
    const hours = /^(?::\d\d)?\s?p\.?m\b/i.test(after)
      ? valuesOf(number, language).map((hour) => spell((hour % 12) + 12))
      : [];
    const behind = after.slice(scale).replace(/^\s(?:de |d['’]|of |di |von )/, " ");
    const unit = UNITS.find(({ before: b, after: a }) => b?.test(before) || a.test(behind))?.name ?? null;
    return { text: `${number}${after.slice(0, scale)}`, values: [...values, ...hours], unit };
  });
  return [...inDigits, ...measuredWords(text)];
}

/** `three weeks`: numbers in words where they measure something; elsewhere they are often a manner of speaking. */
function measuredWords(text: string): Quantity[] {
  return [...text.matchAll(/\p{L}+/gu)].flatMap(({ 0: word, index }) => {
    const value = cardinals().get(fold(word)) ?? 0;
    if (value < 2) return [];
    const after = text.slice(index + word.length, index + word.length + 24);
    const unit = UNITS.find((each) => each.after.test(after))?.name;
    return unit === undefined ? [] : [{ text: word, values: [spell(value)], unit }];
  });
}

/** All numbers that a text has, in digits or in words, for a question that forgives how they are written. */
export function numbersIn(text: string): Set<string> {
  const found = new Set<string>();
  for (const { text: number, values } of quantitiesIn(text)) {
    for (const value of values) found.add(value);
    for (const part of partsOf(number)) found.add(part);
  }
  for (const word of foldedWords(text)) {
    const value = numberWords().get(word);
    if (value !== undefined) found.add(spell(value));
  }
  for (const [, tens = "", ones = ""] of text
    .toLowerCase()
    .matchAll(/(?<!\p{L})(\p{L}{2,8}ty)-(\p{L}{3,5})(?!\p{L})/gu)) {
    const sum = (numberWords().get(tens) ?? Number.NaN) + (numberWords().get(ones) ?? Number.NaN);
    if (!Number.isNaN(sum)) found.add(spell(sum));
  }
  return found;
}

/** The digits of other scripts, one for one. */
function digit(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x80) return character;
  // Each script has its ten digits in a row.
  let zero = code;
  while (code - zero < 9 && /\p{Nd}/u.test(String.fromCodePoint(zero - 1))) zero--;
  return String(code - zero);
}

function scaleIn(after: string): [length: number, factors: number[]] {
  for (const [pattern, factors] of SCALES) {
    const found = pattern.exec(after);
    if (found !== null) return [found[0].length, factors];
  }
  return [0, [1]];
}

/** Where a comma separates thousands and a full stop decimals; elsewhere it is the other way round. */
const COMMA_THOUSANDS = new Set(["en", "ja", "zh", "ko", "th", "he", "hi"]);

function valuesOf(number: string, language: string | null): number[] {
  const groups = number.split(/\D/);
  const [first = "", ...rest] = groups;
  if (rest.length === 0) return [Number(first)];
  const joined = Number(groups.join(""));
  const decimal = Number(`${groups.slice(0, -1).join("")}.${groups.at(-1)}`);
  const areThousands = first.length <= 3 && rest.every((group) => group.length === 3);
  if (rest.length === 1) {
    if (!areThousands) return [decimal];
    const separator = number.charAt(first.length);
    if (language === null || !/[.,]/.test(separator)) return [joined, decimal];
    return (separator === ",") === COMMA_THOUSANDS.has(language) ? [joined] : [decimal];
  }
  const isThousandsBefore = rest.slice(0, -1).every((group) => group.length === 3);
  return areThousands ? [joined] : isThousandsBefore ? [decimal] : [];
}

/** Of a date or a version: its parts, and what it begins with (`3.2` of `3.2.1`). */
function partsOf(number: string): string[] {
  const groups = (/^[\d.,'’ \u00a0\u202f]+/.exec(number)?.[0] ?? "").trim().split(/\D/);
  if (groups.length < 3 || groups.slice(1).every((group) => group.length === 3)) return [];
  const heads = groups.map((_, index) => groups.slice(0, index + 1).join("."));
  return [...groups.map((group) => spell(Number(group))), ...heads];
}

/** A version that is no number is compared as it is written. */
export function isIn(quantity: Quantity, numbers: ReadonlySet<string>): boolean {
  if (/^0*$/.test(quantity.text)) return true;
  if (quantity.values.some((value) => numbers.has(value))) return true;
  const groups = quantity.text.split(/\D+/).filter(Boolean);
  if (quantity.values.length === 0) return numbers.has(groups.join("."));
  // `5 100` may be two numbers.
  return (
    /[ \u00a0\u202f]\d/.test(quantity.text) && groups.every((group) => numbers.has(spell(Number(group))))
  );
}

function spell(value: number): string {
  return String(Math.round(value * 1e6) / 1e6);
}

/** From zero to twenty, then the tens up to a hundred; a stroke separates forms of one number. */
const WORDS = [
  "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred",
  "null eins|ein|eine|einen zwei drei vier funf sechs sieben acht neun zehn elf zwolf dreizehn vierzehn funfzehn sechzehn siebzehn achtzehn neunzehn zwanzig dreissig vierzig funfzig sechzig siebzig achtzig neunzig hundert",
  "- un|une deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize dix-sept dix-huit dix-neuf vingt trente quarante cinquante soixante - - - cent",
  "cero uno|un|una dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciseis diecisiete dieciocho diecinueve veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa cien",
  "- uno|un|una due tre quattro cinque sei sette otto nove dieci undici dodici tredici quattordici quindici sedici diciassette diciotto diciannove venti trenta quaranta cinquanta sessanta settanta ottanta novanta cento",
  "- um|uma dois|duas tres quatro cinco seis sete oito nove dez onze doze treze catorze quinze dezesseis|dezasseis dezessete|dezassete dezoito dezenove|dezanove vinte trinta quarenta cinquenta sessenta setenta oitenta noventa cem",
  "nul een twee drie vier vijf zes zeven acht negen tien elf twaalf dertien veertien vijftien zestien zeventien achttien negentien twintig dertig veertig vijftig zestig zeventig tachtig negentig honderd",
  "- first second|twice third|thrice fourth fifth sixth seventh eighth ninth tenth",
  "- erste|ersten|erster zweite|zweiten|zweiter dritte|dritten|dritter vierte|vierten funfte|funften",
  "- premier|premiere deuxieme|second troisieme quatrieme cinquieme",
  "- primero|primera|primo|prima segundo|segunda|secondo|seconda tercero|tercera|terzo|terza cuarto|quarto|quarta quinto|quinta",
] as const;

/** The lines above that count; behind them are those that order. */
const CARDINAL_LINES = 7;

const numberWords = once(() => valuesIn(WORDS));
const cardinals = once(() => valuesIn(WORDS.slice(0, CARDINAL_LINES)));

function valuesIn(lines: readonly string[]): Map<string, number> {
  const values = new Map<string, number>();
  for (const line of lines) {
    for (const [index, forms] of line.split(" ").entries()) {
      const value = index <= 20 ? index : (index - 18) * 10;
      for (const form of forms.split("|")) if (form !== "-") values.set(form, value);
    }
  }
  return values;
}
