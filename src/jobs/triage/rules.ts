import * as v from "valibot";
import type { ConfigIssue } from "../../config/errors.ts";
import { integer, list, section, text } from "../../config/fields.ts";
import { didYouMean } from "../../lib/nearest.ts";
import { GITHUB_LABEL } from "../actions/github.ts";
import { kindOf, type SourceSettings } from "../sources/registry.ts";

const DEEDS = ["deliver", "draft"] as const;
/** Stands in a reply or a comment for what the model wrote. */
export const ANSWER_PLACE = "{answer}";
const BODY_CHARS_MAX = 4_000;

const WRITE_BODY = `write the text, at most ${BODY_CHARS_MAX} characters; ${ANSWER_PLACE} stands for what the model wrote`;
const WRITE_LABELS = "write a list of 1 to 10 names of labels that the repository has, for example [bug]";
const WRITE_PEOPLE = "write a list of 1 to 10 GitHub user names, for example [octocat]";

/** An entry of `when`. */
export const ruleSettings = v.pipe(
  section("What follows from a label.", {
    label: v.pipe(v.string("write one of the labels"), v.description("One of `labels`.")),
    priority: v.optional(
      integer(
        "Only for items of this priority or a more urgent one; 1 is the most urgent.",
        "a priority",
        [1, 5],
      ),
    ),
    do: v.pipe(
      v.picklist(DEEDS, `write one of ${DEEDS.join(", ")}`),
      v.description(
        "`deliver`: receivers get these items, and no others of a known label. `draft`: what follows waits for your approval.",
      ),
    ),
    reply: v.optional(
      text(
        "Draft: this reply, laid into the mailbox's folder of drafts. Nothing is sent.",
        WRITE_BODY,
        /\S/,
        BODY_CHARS_MAX,
      ),
    ),
    drafts: v.optional(
      text(
        "The folder for the reply; the one that the server marks as that of drafts unless stated.",
        "write the name of a folder of the mailbox, for example Drafts",
        /^[^\n\r\t]+$/,
      ),
    ),
    add_labels: v.optional(
      list(
        "Draft: these labels, put on the issue or pull request.",
        WRITE_LABELS,
        text("A label of the repository.", WRITE_LABELS, GITHUB_LABEL, 50),
        10,
      ),
    ),
    comment: v.optional(
      text("Draft: this comment on the issue or pull request.", WRITE_BODY, /\S/, BODY_CHARS_MAX),
    ),
    assign: v.optional(
      list(
        "Draft: the issue or pull request is assigned to these people.",
        WRITE_PEOPLE,
        text("A user name.", WRITE_PEOPLE, /^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,37}[A-Za-z0-9])?$/, 39),
        10,
      ),
    ),
  }),
  v.check(
    (rule) => (rule.do === "draft") === hasDraft(rule),
    "write one or more of reply, add_labels, comment and assign together with do: draft, and none of them with do: deliver",
  ),
  v.check(
    ({ reply, drafts }) => drafts === undefined || reply !== undefined,
    "write drafts together with reply, and nowhere else",
  ),
);

/** What follows from a label. */
export type Rule = v.InferOutput<typeof ruleSettings>;

function hasDraft(rule: object): boolean {
  return ["reply", "add_labels", "comment", "assign"].some((key) => Object.hasOwn(rule, key));
}

/** Whether what the rule drafts holds words of the model's. */
export function wantsAnswer({ reply, comment }: Rule): boolean {
  return [reply, comment].some((each) => each?.includes(ANSWER_PLACE) === true);
}

/** The rules that an item of this label and priority meets, in their order. */
export function rulesFor(rules: readonly Rule[], label: string, priority: number | null): Rule[] {
  return rules.filter(
    (rule) =>
      rule.label === label &&
      (rule.priority === undefined || (priority ?? Number.POSITIVE_INFINITY) <= rule.priority),
  );
}

interface Ruled {
  sources: readonly SourceSettings[];
  labels: Record<string, string>;
  priority: boolean;
  rules: readonly Rule[];
}

/** An issue for each rule that could never be met. Paths start at the job. */
export function checkRules({ sources, labels, priority, rules }: Ruled): ConfigIssue[] {
  const github = sources.filter((source) => kindOf(source).key === "github");
  const isWritable = github.some((source) => (kindOf(source).access?.(source) ?? null) !== null);
  const hasMailbox = sources.some((source) => "imap" in source);
  const lacks = github.length === 0 ? "github" : "github and a token";
  return rules.flatMap((rule, index) => {
    const at = (key: string, message: string) => ({ path: `when[${index}].${key}`, message });
    const names = Object.keys(labels);
    const onGithub = (["add_labels", "comment", "assign"] as const).filter((key) => rule[key] !== undefined);
    return [
      ...(names.includes(rule.label)
        ? []
        : [at("label", `${rule.label} is none of labels; ${didYouMean(rule.label, names)}`)]),
      ...(rule.priority === undefined || priority
        ? []
        : [at("priority", "write priority: true at the job too; without it no item has one")]),
      ...(rule.reply === undefined || hasMailbox
        ? []
        : [at("reply", "a reply needs a source with imap, which this job has none of")]),
      ...(isWritable
        ? []
        : onGithub.map((key) => at(key, `this needs a source with ${lacks}, which this job has none of`))),
    ];
  });
}
