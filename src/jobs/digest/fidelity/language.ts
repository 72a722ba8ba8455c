import { detectAll } from "tinyld";
import { once } from "../../../lib/once.ts";
import { fold, foldedWords } from "./words.ts";

/** Those that the detector tells apart; in others nothing is checked. */
const KNOWN = "ar bn cs da de el en es fi fr he hi hu it ja ko nl no pl pt ro ru sv th tr uk zh nb".split(
  " ",
);
/** Each is often taken for the other in two sentences. */
const ALIKE = ["da nb no sv", "ru uk", "cs pl", "ja zh"].map((group) => group.split(" "));
/** Fewer words than this are a name or a heading, in no language. */
const WORDS_MIN = 5;
const READ_CHARS_MAX = 2_000;
/** The detector's figure from which it is right practically always, and up to which another language is out of the question. */
const CERTAIN = 0.3;
const UNLIKELY = 0.1;

/** `de` for `German`, `Deutsch` or `Swiss German`; null for a language that is not known. */
export function languageCode(name: string): string | null {
  const words = fold(name);
  return namesOfLanguages().find(([known]) => words.includes(known))?.[1] ?? null;
}

const namesOfLanguages = once(() => {
  const english = new Intl.DisplayNames("en", { type: "language" });
  const pairs = KNOWN.flatMap((code) => {
    const own = new Intl.DisplayNames(code, { type: "language" });
    return [english.of(code), own.of(code)].map((name) => [fold(name ?? code), code] as const);
  });
  return pairs.toSorted(([a], [b]) => b.length - a.length);
});

/** The language of a text as a code of two letters; null where it is too short or too mixed to tell. */
export function languageOf(whole: string): string | null {
  const text = whole.slice(0, READ_CHARS_MAX);
  if (text.split(/\s+/).length < WORDS_MIN && /\p{Script=Latin}/u.test(text)) return null;
  const [best] = detectAll(text, { only: KNOWN });
  return best !== undefined && best.accuracy >= CERTAIN ? best.lang : null;
}

/** Whether a text is surely in another language than the asked one. */
export function isInOtherLanguage(text: string, asked: string): boolean {
  const found = languageOf(text) ?? languageBySmallWords(text, asked);
  if (found === null || found === asked) return false;
  if (ALIKE.some((group) => group.includes(found) && group.includes(asked))) return false;
  return (detectAll(text, { only: KNOWN }).find(({ lang }) => lang === asked)?.accuracy ?? 0) < UNLIKELY;
}

/** Small words, folded, that two sentences can hardly do without. */
const SMALL_WORDS: Readonly<Record<string, string>> = {
  en: "the a an of and to in is are was were for on with that it by from at as has have will",
  de: "der die das den dem des und ist sind war nicht mit von fur auf ein eine einen zum zur im wird hat",
  fr: "le la les l d des du de et est sont une un pour dans sur avec que qui au aux a par entre",
  es: "el la los las de del y es son una un para en con que por se al su fue entre",
  it: "il lo la i gli le di del della e sono una un per in con che da al nel si dopo tra",
  pt: "o a os as de do da dos das e sao uma um para em com que por se no na foi ao",
  nl: "de het een en van is zijn was voor op met dat in te aan bij naar wordt niet ook",
};
const SMALL_WORDS_MIN = 4;
/** Of the other language's so many are there for one of the asked one's. */
const SMALL_WORDS_RATIO = 4;

/** For texts that are too short for the detector: the language of nearly all their small words, where the asked one has none. */
function languageBySmallWords(text: string, asked: string): string | null {
  if (SMALL_WORDS[asked] === undefined) return null;
  const words = foldedWords(text);
  const countOf = (list: string) => {
    const small = new Set(list.split(" "));
    return words.filter((word) => small.has(word)).length;
  };
  const own = countOf(SMALL_WORDS[asked]);
  const [best] = Object.entries(SMALL_WORDS)
    .map(([language, list]) => ({ language, count: countOf(list) }))
    .toSorted((a, b) => b.count - a.count);
  if (best === undefined || best.count < SMALL_WORDS_MIN || best.count < SMALL_WORDS_RATIO * own) return null;
  return best.language;
}
