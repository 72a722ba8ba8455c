import { plural } from "../../lib/text.ts";
import { publishPages, toReport } from "../digest/document/report.ts";
import { selectNew } from "../items/select.ts";
import type { JobContext, JobKind, JobResult } from "../job.ts";
import { lookAtSources } from "../sources/look.ts";
import { readSources } from "../sources/read-sources.ts";
import { decide } from "./decide.ts";
import { type Sorted, triageDocument } from "./document.ts";
import { createDrafter } from "./drafts.ts";
import { rulesFor } from "./rules.ts";
import { checkTriage, type TriageSettings, triageSettings } from "./settings.ts";

/** A label for each new item of a few sources, and what follows from it by afk.yaml: the news for receivers, and drafts. */
export const triage: JobKind<TriageSettings> = {
  kind: "triage",
  // A unit is an item that was sorted: somebody would have opened it and decided where it belongs.
  minutesSavedPerUnit: 2,
  settings: triageSettings,
  check: checkTriage,
  look: lookAtSources,
  run: runTriage,
};

async function runTriage(context: JobContext<TriageSettings>): Promise<JobResult> {
  const { settings } = context;
  const { fetched, reports, newestInputMs, groups, seen, told } = await readSources(context);
  const sourceOf = new Map(groups.flatMap((own, index) => own.map(({ item }) => [item.key, index] as const)));
  const { chosen, waiting, keys } = selectNew(groups, seen, settings.maxItems);
  context.remember([...keys, ...told.keys]);
  const draft = createDrafter(context);
  const sorted: Sorted[] = [];
  for (const [index, { item }] of chosen.entries()) {
    context.progress(index, chosen.length, item.title);
    const decision = await decide(context, item);
    const source = settings.sources[sourceOf.get(item.key) ?? 0];
    const drafts = decision.type === "decided" && source !== undefined ? draft(item, source, decision) : [];
    sorted.push({ item, decision, drafts });
  }
  const found = {
    label: context.period.label,
    timezone: context.timezone,
    sources: settings.sources.length,
    waiting: waiting.length,
    failures: fetched.flatMap(({ label, error }) => (error === null ? [] : [{ source: label, error }])),
    omissions: fetched.flatMap(({ label, notes }) => notes.map((error) => ({ source: label, error }))),
  };
  if (sorted.length > 0 || told.isNews) publishPages(context, triageDocument(sorted, settings, found));
  const news = sorted.filter((each) => isNews(each, settings));
  const report = {
    ...toReport(triageDocument(news, settings, found)),
    isNews: news.length > 0 || told.isNews,
  };
  const units = sorted.filter(({ decision }) => decision.type === "decided").length;
  const summary = summaryOf(sorted.length, units, found.failures.length);
  return { units, summary, report, sources: reports, newestInputMs };
}

/** What receivers get: what a rule delivers, all where no rule does, and what nobody has judged. */
function isNews({ decision }: Sorted, { rules }: TriageSettings): boolean {
  if (decision.type === "undecided" || rules.every((rule) => rule.do !== "deliver")) return true;
  const { label, priority } = decision.verdict;
  return rulesFor(rules, label, priority).some((rule) => rule.do === "deliver");
}

function summaryOf(items: number, decided: number, failed: number): string {
  const undecided = items === decided ? "" : `, ${items - decided} undecided`;
  const count = items === 0 ? "no new items" : `${plural(items, "new item")}${undecided}`;
  return failed === 0 ? count : `${count}; ${plural(failed, "source")} failed`;
}
