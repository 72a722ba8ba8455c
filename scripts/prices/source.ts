import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import * as v from "valibot";

/** A rate that may change with the size of the input. */
const Rate = v.union([
  v.number(),
  v.object({ base: v.number(), tiers: v.array(v.object({ start: v.number(), price: v.number() })) }),
]);
const Rates = v.objectWithRest({ _: v.string() }, v.nullish(Rate));

/** How names are matched; one of these keys. */
export interface Match {
  equals?: string | undefined;
  starts_with?: string | undefined;
  ends_with?: string | undefined;
  contains?: string | undefined;
  regex?: string | undefined;
  or_?: Match[] | undefined;
  and_?: Match[] | undefined;
}
const Match: v.GenericSchema<Match> = v.object({
  equals: v.optional(v.string()),
  starts_with: v.optional(v.string()),
  ends_with: v.optional(v.string()),
  contains: v.optional(v.string()),
  regex: v.optional(v.string()),
  or_: v.optional(v.array(v.lazy(() => Match))),
  and_: v.optional(v.array(v.lazy(() => Match))),
});

const Constraint = v.nullish(v.object({ _: v.string(), start_date: v.optional(v.string()) }));
const Listed = v.object({
  id: v.string(),
  match: Match,
  context_window: v.nullish(v.number()),
  prices: v.union([v.array(v.object({ constraint: v.optional(Constraint), prices: Rates })), Rates]),
  price_variants: v.nullish(
    v.array(
      v.object({ when: v.record(v.string(), v.string()), prices: Rates, constraint: v.optional(Constraint) }),
    ),
  ),
});
const Sources = v.object({
  versions: v.tuple([v.string(), v.string()]),
  providers: v.array(v.object({ id: v.string(), models: v.array(Listed) })),
  models: v.record(v.string(), v.record(v.string(), v.unknown())),
});

/** Of USD per million tokens or thousand uses, by the package's keys. */
export type Rates = v.InferOutput<typeof Rates>;
/** A model of genai-prices. */
export type Listed = v.InferOutput<typeof Listed>;
/** When a price holds; always where it is left out. */
export type Constraint = v.InferOutput<typeof Constraint>;

/** What both packages say, from a folder with their wheels. Throws where they have changed their form. */
export function readSources(folder: string): v.InferOutput<typeof Sources> {
  const script = fileURLToPath(new URL("sources.py", import.meta.url));
  const text = execFileSync("python3", [script, folder], { encoding: "utf8", maxBuffer: 256 * 1024 * 1024 });
  return v.parse(Sources, JSON.parse(text));
}

/** Whether a name is this model's, by the package's own rules. */
export function matches(name: string, match: Match): boolean {
  const text = name.toLowerCase();
  if (match.equals !== undefined) return text === match.equals.toLowerCase();
  if (match.starts_with !== undefined) return text.startsWith(match.starts_with.toLowerCase());
  if (match.ends_with !== undefined) return text.endsWith(match.ends_with.toLowerCase());
  if (match.contains !== undefined) return text.includes(match.contains.toLowerCase());
  if (match.regex !== undefined) return new RegExp(match.regex.replace("(?i)", "")).test(text);
  if (match.or_ !== undefined) return match.or_.some((each) => matches(name, each));
  return match.and_?.every((each) => matches(name, each)) === true;
}

/** Only the names that a rule spells out. What it merely matches (a prefix, a part) may be another model tomorrow. */
export function exactNames({ equals, or_ = [] }: Match): string[] {
  return equals === undefined ? or_.flatMap(exactNames) : [equals];
}
