import { isCalendarWord } from "./calendar.ts";
import { countryForms, isPlace } from "./gazetteer.ts";
import { fold, foldedWords } from "./words.ts";

/** Words in capitals that stand for common things, in the languages in which summaries are checked. */
const COMMON = new Set(
  (
    "ai api app ceo cfo cto dna faq gps hr ia id it ki led mp ok pc pdf pr tv ui url usb vr web wlan wifi www " +
    "kw mw gw kwh mwh kb mb gb tb mm cm usd eur gbp mr mrs ms mx dr prof mme mlle sr sra srta sig herr frau hr fr dhr mevr"
  ).split(" "),
);
/** Small words within a name: Department of Health, Banco de España. */
const JOINERS = new Set(
  "of the and for de la le du des del di da do der den und fur van von y e et en".split(" "),
);

/** How the words of a source are compared with those of a summary. */
interface Known {
  words: Set<string>;
  byStart: Map<string, string[]>;
  initials: string;
  /** The words around each word that begins with a capital. */
  contexts: Set<string>;
  isTranslated: boolean;
  /** Of the summary. */
  language: string | null;
}

/** The circumstances of a summary; languages are codes, null where unknown. */
interface Languages {
  summary: string | null;
  source: string | null;
}

/**
 * A name in the summary that the source does not have; null where all are there. A name is a word with a capital that does
 * not begin its sentence. In German every noun has one: there only two in a row, an abbreviation, or a well-known place
 * are taken for a name.
 */
export function unknownName(summary: string, source: string, languages: Languages): string | null {
  if (scriptOf(summary) !== scriptOf(source)) return null;
  const known = knownWords(source, languages);
  const language = languages.summary ?? "en";
  for (const sentence of sentencesOf(summary)) {
    const words = capitalised(sentence);
    for (const [index, word] of words.entries()) {
      if (isKnown(word.text, known) || word.text.length < 2 || isCalendarWord(word.text, language)) continue;
      if (isExchanged(word, known)) return word.text;
      if (!isName(word, words[index - 1], known, languages) || isSpelledOut(words, index, known)) continue;
      return word.text;
    }
  }
  return null;
}

/** What stands before a name with a full stop that ends nothing: a title, or initials (J. P.). */
const BEFORE_NAME =
  /(?:\b(?:[Mm]rs?|[Mm]s|[Mm]x|[Dd]r|[Pp]rof|[Ss]t|[Mm]me|[Mm]lle|[Dd]hr|[Mm]evr|[Ss]ra|[Ss]rta)|(?:^|[,(]\s?|\p{Lu}\.\s)\b\p{Lu})\.\s*$/u;

function sentencesOf(text: string): string[] {
  const sentences: string[] = [];
  for (const { segment } of new Intl.Segmenter("en", { granularity: "sentence" }).segment(text)) {
    const before = sentences.at(-1);
    if (before !== undefined && BEFORE_NAME.test(before)) sentences[sentences.length - 1] = before + segment;
    else sentences.push(segment);
  }
  return sentences;
}

/** A word that begins with a capital. `isFirst`: so would any word there. `follows`: right behind the one before. */
interface Capitalised {
  text: string;
  isFirst: boolean;
  follows: boolean;
  /** The three words before it and behind it, folded; shorter where the sentence begins or ends. */
  before: string;
  behind: string;
}

const WORD = /[\p{L}\p{N}][\p{L}\p{M}\p{N}]*(?:[.&-][\p{L}\p{N}][\p{L}\p{M}\p{N}]*)*/gu;

/** How many words on one side are no accident, when another name stands beside them in the source. */
const CONTEXT_WORDS = 3;

function capitalised(sentence: string): Capitalised[] {
  const words = [...sentence.matchAll(WORD)];
  const folded = words.map(([text]) => fold(text));
  const found: Capitalised[] = [];
  let end = 0;
  let isCapital = false;
  for (const [at, { 0: text, index }] of words.entries()) {
    const between = sentence.slice(end, index);
    const isFirst =
      end === 0 ||
      /[:;"“„«»([—–]|\s['‘’]/u.test(between) ||
      (/\.\s/u.test(between) && !BEFORE_NAME.test(sentence.slice(0, index)));
    const follows = isCapital && /^\s$/.test(between);
    isCapital = /^\p{Lu}/u.test(text) || (/\p{Lu}/u.test(text) && /^\p{Ll}.{3}/u.test(text));
    const before = folded.slice(Math.max(0, at - CONTEXT_WORDS), at).join(" ");
    // Behind a title or a first name the next capital is not in its place, but the rest of the name.
    const isBeforeName = /^\p{Lu}/u.test(words[at + 1]?.[0] ?? "");
    const behind = isBeforeName ? "" : folded.slice(at + 1, at + 1 + CONTEXT_WORDS).join(" ");
    if (isCapital) found.push({ text, isFirst, follows, before, behind });
    end = index + text.length;
  }
  return found;
}

/** In words of the source itself another name stands in its place: von Hamburg, for the source's von Bremen. */
function isExchanged({ before, behind }: Capitalised, { contexts }: Known): boolean {
  return contexts.has(`< ${before}`) || contexts.has(`> ${behind}`);
}

function isName(
  word: Capitalised,
  before: Capitalised | undefined,
  known: Known,
  languages: Languages,
): boolean {
  const { text, isFirst, follows } = word;
  if (/^\p{N}/u.test(text)) return false;
  // Wherever they stand: NASA, OpenAI, Vienna.
  if (/\p{L}.*\p{Lu}/u.test(text) || isPlace(text)) return true;
  if (isFirst) return false;
  if (languages.summary !== "de") return true;
  return (
    follows &&
    before !== undefined &&
    !before.isFirst &&
    !isKnown(before.text, known) &&
    before.text.length > 2
  );
}

function isKnown(text: string, known: Known): boolean {
  const { language } = known;
  const word = fold(text);
  if (known.words.has(word) || COMMON.has(word)) return true;
  const parts = foldedWords(text);
  if (parts.length > 1) return parts.every((part) => part.length < 3 || isKnown(part, known));
  if (/^[\p{Lu}\d]{2,}s?$/u.test(text) && known.initials.includes(text.replace(/s$/, "").toUpperCase()))
    return true;
  if (countryForms(word).some((form) => known.words.has(form))) return true;
  // Strompreis and Preis, and the other way round.
  if (language === "de" && isPartOfCompound(word, known.words)) return true;
  const near = known.byStart.get(word.slice(0, 3)) ?? [];
  return near.some((other) => isSameStem(word, other, known.isTranslated));
}

const COMPOUND_PART_CHARS_MIN = 4;

function isPartOfCompound(word: string, words: ReadonlySet<string>): boolean {
  const isPart = (part: string, whole: string) =>
    part.length >= COMPOUND_PART_CHARS_MIN && (whole.startsWith(part) || whole.endsWith(part));
  return [...words].some((other) => isPart(word, other) || isPart(other, word));
}

/** One word in two forms: Berlins and Berlin, Italian and Italy; of another language more may differ: Munich and München. */
function isSameStem(a: string, b: string, isTranslated: boolean): boolean {
  let shared = 0;
  while (shared < a.length && a[shared] === b[shared]) shared++;
  const [short, long] = [Math.min(a.length, b.length) - shared, Math.max(a.length, b.length) - shared];
  return isTranslated ? shared >= 3 && short <= 3 && long <= 5 : shared >= 4 && short <= 1 && long <= 3;
}

/** European Central Bank, where the source says ECB. */
function isSpelledOut(words: Capitalised[], index: number, known: Known): boolean {
  const initials = words.map(({ text }) => fold(text)[0]);
  for (let start = 0; start <= index; start++) {
    for (let end = Math.max(index + 1, start + 2); end <= words.length; end++) {
      if (known.words.has(initials.slice(start, end).join(""))) return true;
    }
  }
  return false;
}

function knownWords(source: string, languages: Languages): Known {
  const words = new Set(foldedWords(source));
  for (const [compound] of source.matchAll(WORD)) words.add(fold(compound));
  const byStart = new Map<string, string[]>();
  for (const word of words) {
    const start = word.slice(0, 3);
    byStart.set(start, [...(byStart.get(start) ?? []), word]);
  }
  const all = [...source.matchAll(WORD)].map(([text]) => text);
  const isTranslated =
    languages.summary !== null && languages.source !== null && languages.summary !== languages.source;
  return {
    words,
    byStart,
    initials: initialsOf(all),
    contexts: contextsOf(source),
    isTranslated,
    language: languages.summary,
  };
}

function contextsOf(source: string): Set<string> {
  const isWhole = (words: string) => words.split(" ").length === CONTEXT_WORDS;
  return new Set(
    capitalised(source).flatMap(({ before, behind }) => [
      ...(isWhole(before) ? [`< ${before}`] : []),
      ...(isWhole(behind) ? [`> ${behind}`] : []),
    ]),
  );
}

/** The initials of names, each run of capitals once with its small words and once without: `DOH DH`. */
function initialsOf(words: string[]): string {
  let run = "";
  let short = "";
  const runs: string[] = [];
  const finish = () => {
    if (short.length > 1) runs.push(run, short);
    run = "";
    short = "";
  };
  for (const word of words) {
    const initial = fold(word)[0]?.toUpperCase() ?? "";
    if (/^\p{Lu}/u.test(word)) {
      run += initial;
      short += initial;
    } else if (JOINERS.has(fold(word)) && short !== "") run += initial;
    else finish();
  }
  finish();
  return runs.join(" ");
}

/** What a text is mostly written in: names go by sound from one script to another, which nothing here could compare. */
function scriptOf(text: string): string {
  const count = (pattern: RegExp) => text.match(pattern)?.length ?? 0;
  const scripts = {
    latin: count(/\p{Script=Latin}/gu),
    cyrillic: count(/\p{Script=Cyrillic}/gu),
    greek: count(/\p{Script=Greek}/gu),
    other: 2 * count(/[^\P{L}\p{Script=Latin}\p{Script=Cyrillic}\p{Script=Greek}]/gu),
  };
  return Object.entries(scripts).toSorted(([, a], [, b]) => b - a)[0]?.[0] ?? "latin";
}
