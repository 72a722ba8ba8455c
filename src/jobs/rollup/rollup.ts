import * as v from "valibot";
import type { Config } from "../../config/config.ts";
import type { ConfigIssue } from "../../config/errors.ts";
import { integer, list, section, text } from "../../config/fields.ts";
import { dayIn, dayInWords } from "../../lib/days.ts";
import { DAY_MS } from "../../lib/durations.ts";
import { plural } from "../../lib/text.ts";
import type { DigestDocument, Entry, Note } from "../digest/document/document.ts";
import { publishDigest } from "../digest/document/report.ts";
import { LANGUAGE } from "../digest/settings.ts";
import { writeLead } from "../digest/summaries.ts";
import { newestOf } from "../items/order.ts";
import type { JobContext, JobKind, JobResult } from "../job.ts";
import type { PrintedItem } from "../printed-items.ts";

const WRITE_OF = "write a list of names of jobs of kind digest, for example [digest]";

const rollupSettings = v.pipe(
  section("The best of what digests printed in the last days, once more in one.", {
    of: v.optional(
      list(
        "The digests, by the names of their jobs; all unless stated.",
        WRITE_OF,
        text("Name of a job.", WRITE_OF, /^[a-z0-9][a-z0-9-]*$/, 64),
        50,
      ),
    ),
    days: v.optional(integer("Days that it looks back.", "how many days to look back", [1, 60]), 7),
    max_items: v.optional(
      integer("Items in one roll-up.", "how many items a roll-up may hold", [1, 100]),
      15,
    ),
    language: v.optional(
      text("Language of the opening.", "write a language, for example German", LANGUAGE, 40),
    ),
  }),
  v.transform(({ of = null, days, max_items: maxItems, language = null }) => ({
    of,
    days,
    maxItems,
    language,
  })),
);

type RollupSettings = v.InferOutput<typeof rollupSettings>;

/** What digests printed, by votes and scores: each item once, whichever digests had it, and not in a later roll-up again. */
export const rollup: JobKind<RollupSettings> = {
  kind: "rollup",
  // A unit is the roll-up: what it holds was counted when it was printed.
  minutesSavedPerUnit: 5,
  settings: rollupSettings,
  check: checkRollup,
  run: runRollup,
};

function checkRollup({ of }: RollupSettings, { jobs }: Config): ConfigIssue[] {
  return (of ?? []).flatMap((name, index) => {
    if (jobs.some((job) => job.name === name && job.kind === "digest")) return [];
    return [
      { path: `of[${index}]`, message: `there is no job ${name} of kind digest; write the name of one` },
    ];
  });
}

async function runRollup(context: JobContext<RollupSettings>): Promise<JobResult> {
  const { of, days, maxItems } = context.settings;
  const { slotMs, label } = context.period;
  const query = { jobs: of, fromMs: slotMs - days * DAY_MS, untilMs: slotMs };
  const printed = await context.step("printed", () => context.printed(query));
  const all = onceEach(printed);
  const seen = await context.isSeen(all.flatMap(namesOf));
  const unseen = all.filter((item) => !namesOf(item).some((name) => seen.has(name)));
  const wanted = unseen.filter(({ vote }) => vote !== -1).toSorted(byWorth);
  const chosen = wanted.slice(0, maxItems);
  const entries = chosen.map(toEntry);
  context.remember(chosen.flatMap(namesOf));
  const lead = await writeLead(
    context,
    entries.flatMap(({ summary }) => summary ?? []),
  );
  const document: DigestDocument = {
    label,
    title: `${days === 7 ? "The week" : plural(days, "day")} to ${dayInWords(dayIn(slotMs, context.timezone))}`,
    counts: `${entries.length} of ${plural(all.length, "item")} that digests printed.`,
    timezone: context.timezone,
    lead,
    sections: entries.length === 0 ? [] : [{ heading: null, isSource: false, entries }],
    tally: tallyOf(all),
    sources: new Set(all.map(({ source }) => source)).size,
    waiting: 0,
    failures: [],
    omissions: omissionsOf(unseen.length - wanted.length, wanted.length - entries.length, maxItems),
  };
  const isNews = entries.length > 0;
  return {
    units: isNews ? 1 : 0,
    summary: isNews ? plural(entries.length, "item") : "nothing printed",
    report: publishDigest(context, document, isNews),
    newestInputMs: newestOf(all),
  };
}

/** By what an item is known again: its key, and its address, which another digest may have under another key. */
function namesOf({ key, link }: PrintedItem): string[] {
  return link === null || link === key ? [key] : [key, link];
}

/** The same item, or the same address, in several digests is one; that which was rated stands for it. */
function onceEach(printed: readonly PrintedItem[]): PrintedItem[] {
  const known = new Set<string>();
  return printed
    .toSorted((a, b) => Math.abs(b.vote ?? 0) - Math.abs(a.vote ?? 0))
    .filter((item) => {
      const isKnown = namesOf(item).some((name) => known.has(name));
      for (const name of namesOf(item)) known.add(name);
      return !isKnown;
    });
}

/** What was rated up first, then by score, then the newest. */
function byWorth(a: PrintedItem, b: PrintedItem): number {
  return (
    (b.vote ?? 0) - (a.vote ?? 0) ||
    (b.score ?? 0) - (a.score ?? 0) ||
    (b.publishedAt ?? 0) - (a.publishedAt ?? 0) ||
    (a.id < b.id ? -1 : 1)
  );
}

function toEntry({ id, key, title, link, source, summary, publishedAt, score, vote }: PrintedItem): Entry {
  const reasons = [
    ...(vote === 1 ? ["you rated it up"] : []),
    ...(score === null ? [] : [`score ${(score / 1_000).toFixed(1)}`]),
  ];
  return {
    id,
    item: { key, title, link, text: "", publishedAt, source },
    summary: summary === "" ? null : { text: summary, model: null, degraded: false },
    reasons,
  };
}

/** What each source had in these days, the one with the most first. */
function tallyOf(items: readonly PrintedItem[]): Note[] {
  const bySource = Map.groupBy(items, ({ source }) => source);
  return [...bySource]
    .toSorted(([a, one], [b, other]) => other.length - one.length || (a < b ? -1 : 1))
    .map(([source, own]) => {
      const count = (vote: number) => own.filter((item) => item.vote === vote).length;
      const votes = [
        ...(count(1) === 0 ? [] : [`${count(1)} rated up`]),
        ...(count(-1) === 0 ? [] : [`${count(-1)} rated down`]),
      ];
      return { source, error: [plural(own.length, "item"), ...votes].join(", ") };
    });
}

function omissionsOf(ratedDown: number, behind: number, maxItems: number): Note[] {
  return [
    ...(ratedDown === 0 ? [] : [{ source: "rated down", error: plural(ratedDown, "item") }]),
    ...(behind === 0
      ? []
      : [
          {
            source: "lower scores",
            error: `${plural(behind, "item")}, as a roll-up holds ${maxItems} (max_items)`,
          },
        ]),
  ];
}
