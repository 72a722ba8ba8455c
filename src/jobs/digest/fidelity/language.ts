import { detectAll } from "tinyld";
import { once } from "../../../lib/once.ts";
import { fold } from "./words.ts";

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
  const found = languageOf(text);
  if (found === null || found === asked) return false;
  if (ALIKE.some((group) => group.includes(found) && group.includes(asked))) return false;
  return (detectAll(text, { only: KNOWN }).find(({ lang }) => lang === asked)?.accuracy ?? 0) < UNLIKELY;
}
