import * as v from "valibot";
import type { Config } from "../../config/config.ts";
import type { ConfigIssue } from "../../config/errors.ts";
import { flag, integer, section, text } from "../../config/fields.ts";
import { checkSources, sourcesSchema } from "../sources/registry.ts";
import { fieldSettings } from "./fields.ts";
import { checkRules, ruleSettings } from "./rules.ts";

const LABELS_MAX = 20;
/** Labels and fields: they stand in the prompt, in the answer and in a page. */
const NAME = /^[a-z][a-z0-9_-]*$/;
const NAME_CHARS_MAX = 40;
const FIELDS_MAX = 10;
const RULES_MAX = 40;

const WRITE_NAME =
  "write a name of small letters, digits, - and _ that begins with a letter, at most 40 characters, for example urgent";
const WRITE_LABELS =
  'write 2 to 20 labels, each with a sentence that says what belongs there, for example { urgent: "needs an answer today", other: "all else" }';
const WRITE_SENTENCE = "write a sentence that says what belongs there, at most 300 characters";
const WRITE_FIELDS = "write at most 10 fields, each with description and type";
const WRITE_WHEN =
  "write a list of at most 40 entries such as { label: urgent, do: deliver }, each with label and do";

const name = v.pipe(v.string(), v.maxLength(NAME_CHARS_MAX, WRITE_NAME), v.regex(NAME, WRITE_NAME));

/** A `kind: triage` entry of afk.yaml without the keys that every job has. */
export const triageSettings = v.pipe(
  section(
    "Sorts what is new in a few sources: each item gets one of the labels, and what follows from it stands here.",
    {
      sources: sourcesSchema(),
      labels: v.pipe(
        v.record(name, text("What belongs there.", WRITE_SENTENCE, /^[^\n]*\S[^\n]*$/, 300), WRITE_LABELS),
        v.check((labels) => isBetween(Object.keys(labels).length, 2, LABELS_MAX), WRITE_LABELS),
        v.description(
          "The labels that an item may get, each with a sentence that says what belongs there. 2 to 20.",
        ),
      ),
      fields: v.optional(
        v.pipe(
          v.record(name, fieldSettings, WRITE_FIELDS),
          v.check((fields) => Object.keys(fields).length <= FIELDS_MAX, WRITE_FIELDS),
          v.description("What else to read out of each item, such as a date that it names."),
        ),
        {},
      ),
      priority: v.optional(flag("Whether items also get a priority, from 1 (the most urgent) to 5."), false),
      instructions: v.optional(
        text(
          "What else to know when sorting, in your words.",
          "write what else to know when sorting, at most 2000 characters",
          /\S/,
          2_000,
        ),
      ),
      max_items: v.optional(
        integer("Items in one run; the rest comes with the next.", "how many items a run may sort", [1, 100]),
        30,
      ),
      when: v.optional(
        v.pipe(
          v.array(ruleSettings, WRITE_WHEN),
          v.maxLength(RULES_MAX, WRITE_WHEN),
          v.description("What follows from a label; nothing else does."),
        ),
        [],
      ),
    },
  ),
  v.transform(({ max_items: maxItems, instructions = null, when: rules, ...rest }) => {
    return { ...rest, maxItems, instructions, rules };
  }),
);

/** `rules` are the entries of `when`; `instructions` are the owner's. */
export type TriageSettings = v.InferOutput<typeof triageSettings>;

function isBetween(count: number, least: number, most: number): boolean {
  return count >= least && count <= most;
}

/** What the schema cannot say alone: hosts that are not allowed, labels that there are not, drafts that no source allows. */
export function checkTriage(settings: TriageSettings, config: Config): ConfigIssue[] {
  return [...checkSources(settings.sources, config), ...checkRules(settings)];
}
