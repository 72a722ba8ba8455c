import { fold } from "./words.ts";

const LANGUAGES = "en de fr es it pt nl sv da nb fi pl cs ru uk el tr hu ro".split(" ");

/** In Portuguese most weekdays are of two words. */
const WORD = /[\p{L}\p{M}]+(?:-feira)?/gu;

type Part = "month" | "weekday";

/** The months and weekdays that a text names: `month 11`, `weekday 0` for Sunday. In English only with a capital: may, march. */
export function calendarIn(text: string, languages: readonly string[] = LANGUAGES): Map<string, string> {
  const found = new Map<string, string>();
  for (const [word] of text.matchAll(WORD)) {
    for (const language of languages) {
      const meant = namesIn(language).get(fold(word));
      if (meant !== undefined && (language !== "en" || /^\p{Lu}/u.test(word))) found.set(meant, word);
    }
  }
  return found;
}

/** What a source says of dates: named in whatever language, or in figures, the weekday of a whole date too. */
export function datesIn(text: string): Set<string> {
  const found = new Set(calendarIn(text).keys());
  for (const [each] of text.matchAll(WORD)) {
    const word = fold(each);
    for (const language of LANGUAGES) {
      const meant = namesIn(language).get(word);
      // Without its capital an English name may be another word; here that only forgives.
      if (meant !== undefined) found.add(meant);
    }
  }
  for (const [, year, month, day] of text.matchAll(/(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})/g)) {
    found.add(`month ${Number(month)}`);
    found.add(`weekday ${new Date(Date.UTC(Number(year), Number(month) - 1, Number(day))).getUTCDay()}`);
  }
  for (const [, one, other] of text.matchAll(/(?<!\d)(\d{1,2})[./](?:\s?)(\d{1,2})(?!\d)/g)) {
    found.add(`month ${Number(one)}`);
    found.add(`month ${Number(other)}`);
  }
  for (const [, month] of text.matchAll(/(\d{1,2})\s?[月월]/g)) found.add(`month ${Number(month)}`);
  return found;
}

/** Whether a word names a month or a day of the week in a language. */
export function isCalendarWord(word: string, language: string): boolean {
  return namesIn(language).has(fold(word));
}

const tables = new Map<string, Map<string, string>>();

function namesIn(language: string): Map<string, string> {
  const known = tables.get(language);
  if (known !== undefined) return known;
  const names = new Map<string, string>();
  for (const [part, count] of [
    ["month", 12],
    ["weekday", 7],
  ] as const) {
    for (let index = 0; index < count; index++) {
      for (const name of spellings(language, part, index))
        names.set(name, `${part} ${index + (part === "month" ? 1 : 0)}`);
    }
  }
  tables.set(language, names);
  return names;
}

/** The first Sunday of 2026 is the fourth of January. */
const SUNDAY = 4;

function spellings(language: string, part: Part, index: number): string[] {
  const date = part === "month" ? Date.UTC(2026, index, 15) : Date.UTC(2026, 0, SUNDAY + index);
  const forms: Intl.DateTimeFormatOptions[] =
    part === "month"
      ? [{ month: "long" }, { month: "long", day: "numeric" }, { month: "short" }]
      : [{ weekday: "long" }, { weekday: "short" }];
  return (
    forms
      .flatMap((form) => {
        const parts = new Intl.DateTimeFormat(language, { timeZone: "UTC", ...form }).formatToParts(date);
        const name = fold(parts.find(({ type }) => type === part)?.value ?? "").replace(/\.$/, "");
        // Sundays, sonntags.
        return [name, `${name}s`];
      })
      // What is shorter is a word of something else too often.
      .filter((name) => name.length >= 3 && /^\p{L}+(?:-feira)?$/u.test(name))
  );
}
