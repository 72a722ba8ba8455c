import { cleanText, oneLine } from "../../lib/text.ts";
import { escapeMarkdown } from "../digest/document/markdown.ts";
import type { Item } from "../items/item.ts";
import type { JobContext } from "../job.ts";
import { GITHUB_API } from "../sources/github/settings.ts";
import { type SourceSettings, sourceId } from "../sources/registry.ts";
import { ANSWER_CHARS_MAX } from "./answer.ts";
import type { Decision } from "./decide.ts";
import { ANSWER_PLACE, type Rule, rulesFor } from "./rules.ts";
import type { TriageSettings } from "./settings.ts";

/** A run drafts no more: a person reads each of them. */
const DRAFTS_MAX = 100;
const TITLE_CHARS_MAX = 90;
const KEY_CHARS = 8;

type Decided = Extract<Decision, { type: "decided" }>;

/** What an action is to do, before it is drafted; or why there is none. */
type Plan = { action: string; what: string; content: object } | { unfit: string };

/**
 * Makes the drafts of one run's items: what the rules of `when` say, to whoever the item's own headers or its API name. Gives for
 * each item what was drafted and what could not be.
 */
export function createDrafter(
  context: Pick<JobContext<TriageSettings>, "name" | "settings" | "draft">,
): (item: Item, source: SourceSettings, decision: Decided) => string[] {
  let count = 0;
  return (item, source, decision) => {
    const { label, priority } = decision.verdict;
    const from = { job: context.name, source: sourceId(source) };
    const plans = rulesFor(context.settings.rules, label, priority).flatMap((rule) =>
      plansOf(rule, item, { from, decision }),
    );
    return plans.map((plan, index) => {
      if ("unfit" in plan) return plan.unfit;
      if (count >= DRAFTS_MAX) return `not drafted, since a run drafts at most ${DRAFTS_MAX}: ${plan.what}`;
      count += 1;
      const title = oneLine(item.title, TITLE_CHARS_MAX);
      context.draft(
        `${plan.what}: ${title} (${item.key.slice(0, KEY_CHARS)}.${index + 1})`,
        plan.action,
        plan.content,
      );
      return `drafted: ${plan.what}`;
    });
  };
}

interface Basis {
  /** Where the item was read, and with whose credentials an action is done. */
  from: { job: string; source: string };
  decision: Decided;
}

function plansOf(rule: Rule, item: Item, basis: Basis): Plan[] {
  const { add_labels: labels, comment, assign } = rule;
  const { from, decision } = basis;
  const place = item.origin?.type === "github" ? item.origin : null;
  const onGithub = (what: string, action: string, more: object): Plan => {
    if (place === null) return { unfit: `not drafted, since it is no issue or pull request: ${what}` };
    const { repository, number } = place;
    return { action, what, content: { from, api: GITHUB_API, repository, number, ...more } };
  };
  return [
    ...(labels === undefined ? [] : [onGithub(`label ${labels.join(", ")}`, "github_label", { labels })]),
    ...(comment === undefined
      ? []
      : [onGithub("comment", "github_comment", { body: filled(comment, decision, "markdown") })]),
    ...(assign === undefined
      ? []
      : [onGithub(`assign ${assign.join(", ")}`, "github_assign", { assignees: assign })]),
  ];
}

/** The owner's text with what the model wrote in its place, which is said of it. */
function filled(template: string, { verdict, model }: Decided, form: "text" | "markdown"): string {
  if (!template.includes(ANSWER_PLACE) || verdict.answer === null) return template;
  const answer = cleanText(verdict.answer, ANSWER_CHARS_MAX);
  const words = form === "text" ? answer : answer.split("\n").map(harmlessMarkdown).join("\n");
  const mark = `Written in part by a model (${model}).`;
  const text = template.split(ANSWER_PLACE).join(words);
  return form === "text"
    ? `${text}\n\n[${mark} Check it before you send it.]`
    : `${text}\n\n*${escapeMarkdown(mark)}*`;
}

/** What would notify somebody, or leave a trace at another issue, wherever it stands in a comment. */
const MENTION = /([\w.-]*\/?[\w.-]*#\d+|\bGH-\d+|@[\w-]+(?:\/[\w-]+)?)/i;

function harmlessMarkdown(line: string): string {
  return line
    .split(MENTION)
    .map((part, index) =>
      index % 2 === 1 ? `\`${part.replaceAll("`", "")}\`` : escapeMarkdownKeepingSpaces(part),
    )
    .join("");
}

function escapeMarkdownKeepingSpaces(text: string): string {
  const [, before = "", inner = "", after = ""] = /^(\s*)(.*?)(\s*)$/s.exec(text) ?? [];
  return `${before === "" ? "" : " "}${escapeMarkdown(inner)}${after === "" ? "" : " "}`;
}
