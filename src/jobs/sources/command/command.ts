import { resolve } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { shortHash } from "../../items/identity.ts";
import { ITEMS_PER_SOURCE_MAX, type RawItem, toItem } from "../../items/item.ts";
import { newestFirst } from "../../items/order.ts";
import type { AsideContext } from "../../programs/run-aside.ts";
import { withOffered } from "../offered.ts";
import { runForSource } from "../run-for-source.ts";
import type { Collected } from "../source.ts";
import type { SourceContext } from "../source-kind.ts";
import { type Printed, readPrinted } from "./printed.ts";
import { type CommandSource, commandId, commandLabel } from "./settings.ts";

/** What is remembered of an output. */
const LINES_KEPT_MAX = 4_000;

type Context = AsideContext & Pick<SourceContext, "base" | "isSeen" | "recall" | "keep">;

/**
 * What a command prints, one item a line or as JSON. An item is new when the last run's output did not have it, so that what
 * went and comes again is told of again; one with an id of its own is known by that. A command that fails changes nothing of what is known.
 * @throws SourceUnreadable for every end but exit 0, and for output that is none.
 */
export async function collectCommand(source: CommandSource, context: Context): Promise<Collected> {
  const { max_items: itemsMax = ITEMS_PER_SOURCE_MAX } = source;
  const id = shortHash(commandId(source));
  const { stdout, notes } = await output(source, context);
  const printed = readPrinted(stdout);
  const before: Record<string, number> = JSON.parse((await context.recall(`command:${id}`)) ?? "{}");
  const seenAt = new Map<string, number>();
  const raws = printed.slice(0, LINES_KEPT_MAX).map((one): RawItem => {
    const key = shortHash(one.id ?? JSON.stringify([one.title, one.link, one.text])).slice(0, 16);
    const firstMs = before[key] ?? context.period.slotMs;
    seenAt.set(key, firstMs);
    return {
      ...withoutUndefined(one),
      id: `command:${id}:${key}${one.id === undefined ? `:${firstMs}` : ""}`,
    };
  });
  context.keep(`command:${id}`, JSON.stringify(Object.fromEntries(seenAt)));
  if (printed.length > LINES_KEPT_MAX)
    notes.push(`only the first ${LINES_KEPT_MAX} of ${printed.length} lines were read`);
  const label = commandLabel(source);
  const all = newestFirst(
    raws.map((raw) => toItem(raw, label)).filter((item) => item !== null),
    ({ publishedAt }) => publishedAt,
  );
  const seen = await context.isSeen(all.map(({ key }) => key));
  const fresh = all.filter(({ key }) => !seen.has(key));
  if (fresh.length > itemsMax)
    notes.push(`only ${itemsMax} of ${fresh.length} new items were read (max_items can be raised)`);
  return { items: await withOffered(fresh.slice(0, itemsMax), { id, itemsMax }, context), notes };
}

function withoutUndefined({ title, link, text, date }: Printed): RawItem {
  return { title, link, text, publishedAt: date };
}

async function output(source: CommandSource, context: Context): Promise<{ stdout: string; notes: string[] }> {
  const { command, cwd = ".", env, max_output_kb, timeout: timeoutMs } = source;
  const where = { cwd: resolve(context.base, cwd), outputBytesMax: max_output_kb * 1024, timeoutMs };
  const stdout = await runForSource(context, { command, env, ...where });
  const text = stripVTControlCharacters(stdout.text);
  if (!stdout.isCut) return { stdout: text, notes: [] };
  const whole = text.slice(0, text.lastIndexOf("\n") + 1);
  return {
    stdout: whole,
    notes: [`only the first ${max_output_kb} KiB of its output were read (max_output_kb can be raised)`],
  };
}
