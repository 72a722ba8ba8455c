import { once } from "./once.ts";

/** Whose month names are known beside the English ones. Where two disagree on a word, the first has it. */
const LANGUAGES =
  "en de fr es it pt nl pl ru el hu sv da nb fi cs tr uk ro ca sk sl hr bg lt lv et eu gl id ar he th".split(
    " ",
  );
const ENGLISH = "january february march april may june july august september october november december".split(
  " ",
);
const WORD_CHARS_MIN = 3;

/** The number of a month (1 to 12) from its name or an abbreviation, as `plainWord` gives it; null for any other word. */
export function monthOf(word: string): number | null {
  if (word.length < WORD_CHARS_MIN) return null;
  const english = ENGLISH.findIndex((name) => name.startsWith(word) || word === "sept");
  if (english >= 0) return word === "sept" ? 9 : english + 1;
  const { exact, full } = foreignMonths();
  const found = exact.get(word) ?? full.find(({ name }) => name.startsWith(word))?.month;
  return found ?? null;
}

/** Made when the first foreign date comes: it takes the system's own tables some milliseconds. */
const foreignMonths = once(() => {
  const exact = new Map<string, number>();
  const full: { name: string; month: number }[] = [];
  for (const language of LANGUAGES) {
    // A month has another form beside a day in many languages: «ноябрь», «3 ноября».
    for (const options of [
      { month: "long", day: "numeric" },
      { month: "long" },
      { month: "short" },
    ] as const) {
      const format = new Intl.DateTimeFormat(language, { ...options, timeZone: "UTC" });
      for (let month = 1; month <= 12; month++) {
        const part = format.formatToParts(Date.UTC(2026, month - 1, 3)).find(({ type }) => type === "month");
        const name = plainWord(part?.value ?? "").replaceAll(".", "");
        if (!/^\p{L}{3,}$/u.test(name) || exact.has(name)) continue;
        exact.set(name, month);
        if (options.month === "long") full.push({ name, month });
      }
    }
  }
  return { exact, full };
});

/** Lower-case, in its usual width, without accents: what feeds write with and without. */
export function plainWord(text: string): string {
  return text.toLowerCase().normalize("NFKD").replace(/\p{M}/gu, "").normalize("NFC");
}

/** Minutes east of UTC. Names that several countries use are taken as most people do (RFC 5322, section 4.3, for those of America). */
const ZONES: Readonly<Record<string, number>> = {
  ...inHours(0, "z ut utc gmt wet"),
  ...inHours(1, "cet met mez bst west wat"),
  ...inHours(2, "cest mest mesz eet sast cat"),
  ...inHours(3, "eest msk eat trt"),
  ...inHours(4, "msd gst"),
  ...inHours(5, "pkt"),
  ...inHours(5.5, "ist"),
  ...inHours(5.75, "npt"),
  ...inHours(7, "ict wib"),
  ...inHours(8, "hkt sgt myt pht awst wita"),
  ...inHours(9, "jst kst wit"),
  ...inHours(9.5, "acst"),
  ...inHours(10, "aest"),
  ...inHours(10.5, "acdt"),
  ...inHours(11, "aedt"),
  ...inHours(12, "nzst"),
  ...inHours(13, "nzdt"),
  ...inHours(-2.5, "ndt"),
  ...inHours(-3, "adt brt art clst"),
  ...inHours(-3.5, "nst"),
  ...inHours(-4, "edt ast at clt vet"),
  ...inHours(-5, "est et cdt cot pet"),
  ...inHours(-6, "cst ct mdt"),
  ...inHours(-7, "mst mt pdt"),
  ...inHours(-8, "pst pt akdt"),
  ...inHours(-9, "akst"),
  ...inHours(-10, "hst"),
};

/** Minutes east of UTC of a zone by its short name; null for a name that is none. */
export function zoneMinutes(name: string): number | null {
  return Object.hasOwn(ZONES, name) ? (ZONES[name] ?? null) : null;
}

function inHours(hours: number, names: string): Record<string, number> {
  return Object.fromEntries(names.split(" ").map((name) => [name, hours * 60]));
}
