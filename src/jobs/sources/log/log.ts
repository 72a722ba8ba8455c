import { resolve } from "node:path";
import { systemClock } from "../../../lib/clock.ts";
import { oneLine, plural } from "../../../lib/text.ts";
import { momentText } from "../../../lib/zone.ts";
import { shortHash } from "../../items/identity.ts";
import { type Item, toItem } from "../../items/item.ts";
import type { AsideContext } from "../../programs/run-aside.ts";
import { lineMatcher } from "../line-pattern.ts";
import { withOffered } from "../offered.ts";
import type { Collected } from "../source.ts";
import type { SourceContext } from "../source-kind.ts";
import { type FilePosition, readFiles } from "./files.ts";
import { createFold, type Folded } from "./fold.ts";
import { type JournalPosition, readJournal } from "./journal.ts";
import { type LogLine, levelOf, timeOf } from "./line.ts";
import { type LogSource, logId, logLabel } from "./settings.ts";

/** Patterns that are items, unless `max_items` says otherwise; the rest is counted. */
const ITEMS_MAX = 20;
const MB = 1_048_576;

type Context = AsideContext & Pick<SourceContext, "base" | "isSeen" | "recall" | "keep" | "timezone">;

/** Where a run stopped. */
interface Kept {
  files?: FilePosition[];
  journal?: JournalPosition;
}

/**
 * What a log has had since the last run, like lines folded into one item with their count, the first and last time and one of
 * them. The first run remembers where the log ends, or reads as far back as `since` says.
 * @throws SourceUnreadable for a log that cannot be read; what was known then stays known.
 */
export async function collectLog(source: LogSource, context: Context): Promise<Collected> {
  const { match, ignore = [], level } = source;
  const id = shortHash(logId(source));
  const kept = await context.recall(`log:${id}`);
  const before: Kept | null = kept === null ? null : JSON.parse(kept);
  const matches = match === undefined ? () => true : lineMatcher(match);
  const isIgnored = lineMatcher(ignore);
  const fold = createFold({ level, isWanted: (text) => matches(text) && !isIgnored(text) });
  const { now, notes } = await readInto(fold.add, { source, before, context });
  context.keep(`log:${id}`, JSON.stringify(now));
  const { max_items: itemsMax = ITEMS_MAX } = source;
  const { folded, others } = fold.list();
  const fresh = folded
    .slice(0, itemsMax)
    .map((each) => itemOf(each, { id, source, context }))
    .filter((item) => item !== null);
  const rest = folded.slice(itemsMax);
  const lines = rest.reduce((sum, { count }) => sum + count, others);
  if (lines > 0)
    notes.push(`${lines} further lines are not shown (max_items can be raised, or ignore extended)`);
  if (before === null && source.since === undefined)
    notes.push("this is the first look at the log: from now on what comes is told of");
  return { items: await withOffered(fresh, { id, itemsMax }, context), notes };
}

async function readInto(
  add: (line: LogLine) => void,
  { source, before, context }: { source: LogSource; before: Kept | null; context: Context },
): Promise<{ now: Kept; notes: string[] }> {
  const { log, level, since = 0, max_mb: maxMb } = source;
  const nowMs = systemClock.nowMs();
  if (typeof log !== "string") {
    const directory = log.directory === undefined ? undefined : resolve(context.base, log.directory);
    const asked = { journal: log.journal, directory, level, maxMb };
    const from = before?.journal ?? { sinceMs: nowMs - since };
    const { position, notes } = await readJournal(asked, { from, context }, add);
    return { now: { journal: position }, notes };
  }
  const isOld = before === null && since > 0;
  let timeMs: number | null = null;
  const onLine = (text: string) => {
    const own = timeOf(text, nowMs);
    timeMs = own ?? timeMs;
    // Of an old log only what says that it is young enough counts.
    if (isOld && (timeMs === null || timeMs < nowMs - since)) return;
    add({ text, level: levelOf(text), timeMs: own });
  };
  const reading = {
    before: before?.files ?? null,
    bytesMax: maxMb * MB,
    readsOld: since > 0,
    signal: context.signal,
  };
  const { positions, notes } = await readFiles(resolve(context.base, log), reading, onLine);
  return { now: { files: positions }, notes };
}

function itemOf(
  { pattern, level, count, firstMs, lastMs, sample }: Folded,
  { id, source, context }: { id: string; source: LogSource; context: Context },
): Item | null {
  const { slotMs } = context.period;
  const moment = (ms: number) => momentText(ms, context.timezone);
  const span =
    firstMs === null || lastMs === null
      ? ""
      : firstMs === lastMs
        ? `, at ${moment(firstMs)}`
        : `, from ${moment(firstMs)} to ${moment(lastMs)}`;
  const what = count === 1 ? sample.split("\n", 1)[0] : pattern;
  return toItem(
    {
      id: `log:${id}:${shortHash(pattern).slice(0, 16)}:${slotMs}`,
      title: count === 1 ? oneLine(what ?? "", 200) : oneLine(`${count} × ${what}`, 200),
      text: `${plural(count, "line")} (${level})${span}. ${count === 1 ? "" : "The last of them: "}${sample}`,
      publishedAt: lastMs ?? slotMs,
    },
    logLabel(source),
  );
}
