import { oneLine, plural } from "../../lib/text.ts";
import type { DigestDocument, DigestSection, Entry, Note } from "../digest/document/document.ts";
import type { Item } from "../items/item.ts";
import type { Decision } from "./decide.ts";
import type { TriageSettings } from "./settings.ts";

/** An item with what came of it. */
export interface Sorted {
  item: Item;
  decision: Decision;
  /** What was drafted for it, and what could not be; a few words each. */
  drafts: string[];
}

/** What a run found besides its items. */
interface Findings {
  label: string;
  timezone: string;
  sources: number;
  waiting: number;
  failures: Note[];
  omissions: Note[];
}

const UNDECIDED = "Undecided";
const FIELD_CHARS_MAX = 200;

/** The report: under each label its items, the most urgent first; what is undecided comes first of all, since nobody has judged it. */
export function triageDocument(
  sorted: readonly Sorted[],
  settings: TriageSettings,
  found: Findings,
): DigestDocument {
  const headings = [...Object.keys(settings.labels)];
  const sections = headings.map((heading) =>
    sectionOf(
      heading,
      sorted.filter((each) => labelOf(each) === heading),
    ),
  );
  const undecided = sectionOf(
    UNDECIDED,
    sorted.filter((each) => labelOf(each) === null),
  );
  const filled = [undecided, ...sections].filter(({ entries }) => entries.length > 0);
  return {
    ...found,
    lead: null,
    sections: filled,
    counts: countsOf(filled, found),
    texts: { one: "label and reason", all: "labels and reasons" },
  };
}

function labelOf({ decision }: Sorted): string | null {
  return decision.type === "decided" ? decision.verdict.label : null;
}

function sectionOf(heading: string, sorted: Sorted[]): DigestSection {
  const urgency = ({ decision }: Sorted) =>
    decision.type === "decided" ? (decision.verdict.priority ?? 0) : 0;
  const entries = sorted.toSorted((a, b) => urgency(a) - urgency(b)).map(entryOf);
  return { heading, isSource: false, entries };
}

function entryOf({ item, decision, drafts }: Sorted): Entry {
  if (decision.type === "undecided") return { id: null, item, summary: null, reasons: [decision.reason] };
  const { verdict, model, degraded, whyRefused } = decision;
  const fields = Object.entries(verdict.fields).flatMap(([name, value]) =>
    value === null ? [] : [`${name}: ${oneLine(String(value), FIELD_CHARS_MAX)}`],
  );
  return {
    id: null,
    item,
    summary: whyRefused === null ? { text: verdict.why, model, degraded } : null,
    reasons: [
      ...(verdict.priority === null ? [] : [`priority ${verdict.priority}`]),
      ...fields,
      ...drafts,
      ...(whyRefused === null ? [] : [`the model's reason was refused: ${whyRefused}`]),
    ],
  };
}

/** `5 new items from 2 sources: 1 undecided, 3 urgent, 1 other; 2 more wait for the next run.` */
function countsOf(sections: DigestSection[], { sources, waiting, failures }: Findings): string {
  const count = sections.reduce((sum, { entries }) => sum + entries.length, 0);
  const items = count === 0 ? "No new items" : plural(count, "new item");
  const each = sections.map(({ heading, entries }) => `${entries.length} ${heading?.toLowerCase()}`);
  const more = waiting === 0 ? "" : `; ${plural(waiting, "more waits", "more wait")} for the next run`;
  const failed =
    failures.length === 0 ? "" : ` ${plural(failures.length, "source")} failed, named at the end.`;
  return `${items} from ${plural(sources, "source")}${each.length === 0 ? "" : `: ${each.join(", ")}`}${more}.${failed}`;
}
