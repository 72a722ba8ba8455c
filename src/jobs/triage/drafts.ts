import { cleanText, oneLine, plainLine } from "../../lib/text.ts";
import { MESSAGE_ID, plainAddress, REFERENCES_MAX } from "../actions/mail-draft.ts";
import { DRAFT_NAME_CHARS_MAX } from "../actions/read-draft.ts";
import { escapeMarkdown } from "../digest/document/markdown.ts";
import type { Item, ItemOrigin } from "../items/item.ts";
import type { JobContext } from "../job.ts";
import { githubApi } from "../sources/github/settings.ts";
import { type SourceSettings, sourceId } from "../sources/registry.ts";
import { ANSWER_CHARS_MAX } from "./answer.ts";
import type { Decision } from "./decide.ts";
import { ANSWER_PLACE, type Rule, rulesFor } from "./rules.ts";
import type { TriageSettings } from "./settings.ts";

/** A run drafts no more: a person reads each of them. */
const DRAFTS_MAX = 100;
const TITLE_CHARS_MAX = 90;
const KEY_CHARS = 8;
const SUBJECT_CHARS_MAX = 200;

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
    const api = "github" in source ? githubApi(source) : null;
    const plans = rulesFor(context.settings.rules, label, priority).flatMap((rule) =>
      plansOf(rule, item, { from, api, decision }),
    );
    return plans.map((plan) => {
      if ("unfit" in plan) return plan.unfit;
      if (count >= DRAFTS_MAX) return `not drafted, since a run drafts at most ${DRAFTS_MAX}: ${plan.what}`;
      count += 1;
      const title = `${plan.what}: ${oneLine(item.title, TITLE_CHARS_MAX)}`;
      // By its number no other draft of the run is called so: whoever sends two mails can have their keys begin alike.
      const which = ` (${item.key.slice(0, KEY_CHARS)}.${count})`;
      const name = plainLine(title, DRAFT_NAME_CHARS_MAX - which.length) + which;
      context.draft(name, plan.action, plan.content);
      return `drafted: ${plan.what}`;
    });
  };
}

interface Basis {
  /** Where the item was read, and with whose credentials an action is done. */
  from: { job: string; source: string };
  /** The API of its source, where there is one. */
  api: string | null;
  decision: Decided;
}

function plansOf(rule: Rule, item: Item, basis: Basis): Plan[] {
  const { reply, add_labels: labels, comment, assign } = rule;
  const { from, decision } = basis;
  const place = item.origin?.type === "github" ? item.origin : null;
  const onGithub = (what: string, action: string, more: object): Plan => {
    if (place === null || basis.api === null)
      return { unfit: `not drafted, since it is no issue or pull request: ${what}` };
    const { repository, number } = place;
    return { action, what, content: { from, api: basis.api, repository, number, ...more } };
  };
  return [
    ...(reply === undefined ? [] : [replyPlan(reply, rule.drafts ?? null, item, basis)]),
    ...(labels === undefined ? [] : [onGithub(`label ${labels.join(", ")}`, "github_label", { labels })]),
    ...(comment === undefined
      ? []
      : [onGithub("comment", "github_comment", { body: filled(comment, decision, "markdown") })]),
    ...(assign === undefined
      ? []
      : [onGithub(`assign ${assign.join(", ")}`, "github_assign", { assignees: assign })]),
  ];
}

function replyPlan(template: string, folder: string | null, item: Item, { from, decision }: Basis): Plan {
  const what = "reply";
  const { origin } = item;
  if (origin?.type !== "mail") return { unfit: `not drafted, since it is no mail: ${what}` };
  const to = plainAddress(origin.replyTo ?? origin.from);
  if (to === null)
    return { unfit: `not drafted, since the mail names no plain address to answer to: ${what}` };
  const content = {
    from,
    folder,
    to,
    author: plainAddress(origin.from),
    subject: `Re: ${plainLine(origin.subject.replace(/^(?:\s*re\s*:)+/i, ""), SUBJECT_CHARS_MAX) || "(no subject)"}`,
    ...threadOf(origin),
    body: filled(template, decision, "text"),
  };
  return { action: "mail_draft", what: `${what} to ${to}`, content };
}

function threadOf({ messageId, references }: Extract<ItemOrigin, { type: "mail" }>) {
  const inReplyTo = messageId !== null && MESSAGE_ID.test(messageId) ? messageId : null;
  const known = [
    ...references.filter((each) => MESSAGE_ID.test(each)),
    ...(inReplyTo === null ? [] : [inReplyTo]),
  ];
  // The first names the thread (RFC 5322 lets those between go).
  const [first, ...rest] = [...new Set(known)];
  return { inReplyTo, references: first === undefined ? [] : [first, ...rest.slice(-REFERENCES_MAX + 1)] };
}

/** The owner's text with what the model wrote in its place, which is said of it. */
function filled(template: string, { verdict, model }: Decided, form: "text" | "markdown"): string {
  if (!template.includes(ANSWER_PLACE) || verdict.answer === null) return template;
  const answer = cleanText(verdict.answer, ANSWER_CHARS_MAX);
  const words = form === "text" ? answer : answer.split("\n").map(harmlessMarkdown).join("\n");
  const mark = `Written in part by a model (${model}).`;
  const text = template.trimEnd().split(ANSWER_PLACE).join(words);
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
