import { once } from "../../../lib/once.ts";
import { fold } from "./words.ts";

const LANGUAGES = ["en", "de", "fr", "es", "it", "pt", "nl"];
const CITY_CHARS_MIN = 5;

/** Forms that a country's name does not begin like, in the languages in which summaries are checked. */
const OTHER_FORMS: Readonly<Record<string, string>> = {
  US: "us usa america american americans amerika amerikanische amerikanischen eeuu etats unis estados unidos stati uniti",
  GB: "uk britain british briten britische england english grossbritannien britannique britanico royaume uni",
  NL: "dutch netherlands niederlande niederlandische hollande holland pays bas neerlandais nederland nederlandse",
  FR: "french france frankreich franzosische francais francaise francesi francese",
  ES: "spanish spain spanien spanische espagne espagnol espana espanol spagna spagnolo",
  CH: "swiss switzerland schweiz schweizer suisse suiza svizzera",
  DE: "german germany deutschland deutsche deutschen allemagne allemand alemania aleman germania tedesco tedesca duits",
  AT: "austria austrian osterreich osterreichische autriche",
  GR: "greek greece griechenland griechische grece grec grecia",
  DK: "danish denmark danemark danische danois",
  NO: "norway norwegian norwegen norwegische norvege norvegien",
  SE: "sweden swedish schweden schwedische suede suedois",
  PL: "poland polish polen polnische pologne polonais",
  IE: "ireland irish irland irische irlande",
  FI: "finland finnish finn finns finnland finnische finlande finlandais finlandia finlandes",
  PH: "philippines philippine filipino filipinos philippinen",
  XS: "scotland scottish scot scots schottland schottische ecosse escocia scozia",
  XW: "wales welsh walisische",
  TR: "turkey turkish turkei turkische turquie",
  EU: "eu ue europe european europa europaische europaischen europeenne europea",
  UN: "un uno onu united nations vereinte nationen",
};

/** All names of the country that a word names; empty where it names none. */
export function countryForms(word: string): readonly string[] {
  const codes = countries().byForm.get(fold(word)) ?? [];
  return codes.flatMap((code) => countries().forms.get(code) ?? []);
}

/** Whether a word is the name of a country, or of a city that is known for its time zone, wherever it stands. */
export function isPlace(word: string): boolean {
  return countries().byForm.has(fold(word)) || cities().has(fold(word));
}

const countries = once(() => {
  const forms = new Map<string, string[]>();
  const add = (code: string, form: string) => {
    if (form.length > 1) forms.set(code, [...(forms.get(code) ?? []), form]);
  };
  const names = LANGUAGES.map(
    (language) => new Intl.DisplayNames(language, { type: "region", fallback: "none" }),
  );
  for (const first of LETTERS) {
    for (const second of LETTERS) {
      for (const of of names) {
        const name = of.of(first + second);
        // Names of several words are known by their words in the table above.
        if (name !== undefined && /^\p{L}+$/u.test(name)) add(first + second, fold(name));
      }
    }
  }
  for (const [code, words] of Object.entries(OTHER_FORMS))
    for (const form of words.split(" ")) add(code, form);
  const byForm = new Map<string, string[]>();
  for (const [code, all] of forms)
    for (const form of all) byForm.set(form, [...(byForm.get(form) ?? []), code]);
  return { forms, byForm };
});

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ".split("");

const cities = once(() => {
  const zones = Intl.supportedValuesOf("timeZone").flatMap((zone) => {
    const [, city] = /^(?:Europe|Asia|Africa|America|Australia)\/([A-Za-z]+)$/.exec(zone) ?? [];
    return city === undefined || city.length < CITY_CHARS_MIN ? [] : [fold(city)];
  });
  return new Set(zones);
});
