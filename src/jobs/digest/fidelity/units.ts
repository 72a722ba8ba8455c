/** What may stand at a number. */
interface Unit {
  name: string;
  /** What it is in the smallest of its kind: 120 cm are 1.2 m. */
  size?: readonly [kind: "length" | "mass", factor: number];
  after: RegExp;
  before?: RegExp;
}

/** A unit by its words in English, German, French, Spanish, Italian, Portuguese and Dutch. */
function unit(name: string, words: string, size?: Unit["size"]): Unit {
  return {
    name,
    after: new RegExp(`^[\\s\\u00a0\\u202f-]?(?:${words})(?![\\p{L}])`, "iu"),
    ...(size && { size }),
  };
}

/** A number with another of these is another fact. */
export const UNITS: readonly Unit[] = [
  {
    name: "percent",
    after:
      /^[\s\u00a0\u202f]?(?:%|percent|per cent|prozent|pour cent|por ciento|per cento|por cento|procent)/i,
  },
  {
    name: "$",
    before: /\$\s?$/,
    after: /^[\s\u00a0]?(?:\$|(?:us[- ])?dollars?|d[oó]lar(?:es)?|dollari|usd)(?!\p{L})/iu,
  },
  { name: "€", before: /€\s?$/, after: /^[\s\u00a0]?(?:€|euros?|eur)(?!\p{L})/iu },
  { name: "£", before: /£\s?$/, after: /^[\s\u00a0]?(?:£|gbp)/iu },
  unit(
    "km",
    "km|kilomet(?:er|re)s?|kilometern?|kilom[eè]tres?|kil[oó]metros?|chilometr[oi]|quil[oôó]metros?",
    ["length", 1e5],
  ),
  unit("m", "m|met(?:er|re)s?|metern|m[eè]tres?|metros?|metr[oi]", ["length", 100]),
  unit("cm", "cm|centimet(?:er|re)s?|zentimetern?|centim[eè]tres?|cent[ií]metros?|centimetr[oi]", [
    "length",
    1,
  ]),
  unit("mile", "miles?|meilen?|milles?|millas?|miglia?|milhas?"),
  unit("kg", "kg|kilos?|kilogram\\w*|kilogramm", ["mass", 1e3]),
  unit("tonne", "tonnes?|tons?|tonnen?|toneladas?|tonnellat[ae]|ton", ["mass", 1e6]),
  unit("g", "g|gram(?:me)?s?|gramm|gramos?|gramm[oi]|gramas?", ["mass", 1]),
  unit("second", "s|secs?|seconds?|sekunden?|secondes?|segundos?|second[oi]|seconden?"),
  unit("minute", "mins?|minutes?|minuten?|minutos?|minut[oi]"),
  unit("hour", "h|hours?|stunden?|heures?|horas?|or[ae]|uur|uren"),
  unit("day", "days?|tage?n?|jours?|d[ií]as?|giorn[oi]|dag(?:en)?"),
  unit("week", "weeks?|wochen?|semaines?|semanas?|settiman[ae]|weken"),
  unit("month", "months?|monate?n?|mois|mes(?:es)?|mes[ei]|m[eê]s|maand(?:en)?"),
  unit("year", "years?|jahre?n?|ans?|ann[eé]es?|a[nñ]os?|ann[oi]|jaar|jaren"),
];
