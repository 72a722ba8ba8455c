import type { Outbox } from "../../alerts/outbox.ts";
import type { Config } from "../../config/config.ts";
import type { Clock } from "../../lib/clock.ts";
import { readMeta, writeMeta } from "../../store/meta.ts";
import type { Store } from "../../store/store.ts";
import { readWorth } from "./read-report.ts";
import { weekAt } from "./weeks.ts";
import { dollars, ratioText } from "./words.ts";

/** After a longer silence only the newest weeks are looked at: what is older is the report's. */
const WEEKS_BACK_MAX = 4;

/**
 * Announces each finished week whose ratio was below `value.min_ratio`, once. What it costs when no week has ended since
 * is one row. A week in which nothing was spent has no ratio, and is not announced.
 */
export async function announceLowValue(parts: {
  config: Config;
  store: Store;
  outbox: Outbox;
  clock: Clock;
}): Promise<void> {
  const { config, store, outbox, clock } = parts;
  const { minRatio } = config.value;
  if (minRatio === null) return;
  const seenUpTo = await readMeta(store.db, "value_seen_up_to");
  const weeks = Array.from({ length: WEEKS_BACK_MAX }, (_, index) =>
    weekAt(clock.nowMs(), config.timezone, WEEKS_BACK_MAX - index),
  ).filter((week) => week.untilMs > seenUpTo);
  const last = weeks.at(-1);
  if (last === undefined) return;
  await store.atomically(async (trx) => {
    for (const { week, ...span } of weeks) {
      const worth = await readWorth(trx, config, span);
      if (worth.ratio === null || worth.ratio >= minRatio) continue;
      await outbox.announce(trx, {
        event: "value_low",
        title: `Week ${week} brought less than it should`,
        message: `${dollars(worth.savedMicros)} of value for ${dollars(worth.costMicros)} is a ratio of ${ratioText(worth)}, below value.min_ratio ${minRatio}. Look: afk report --since ${span.firstDay}`,
        subject: "",
        occurrence: week,
        period: week,
      });
    }
    await writeMeta(trx, "value_seen_up_to", last.untilMs);
  });
}
