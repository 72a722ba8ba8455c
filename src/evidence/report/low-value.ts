import type { StateAccess } from "../../ops/alerting.ts";
import { readMeta, writeMeta } from "../../store/meta.ts";
import { readWorth } from "./read-report.ts";
import { weekAt } from "./weeks.ts";
import { dollars, ratioText } from "./words.ts";

/** After a longer silence only the newest weeks are looked at: what is older is the report's. */
const WEEKS_BACK_MAX = 4;

/**
 * Announces each finished week whose ratio was below `value.min_ratio`, once. What it costs when no week has ended since
 * is one row. A week in which nothing was spent has no ratio, and is not announced.
 */
export async function announceLowValue(of: Omit<StateAccess, "log">): Promise<void> {
  const { config, store, outbox, clock } = of;
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
        title: `Week ${Number(week.slice(-2))} brought less than it should`,
        message: `${dollars(worth.valueMicros)} of value for ${dollars(worth.costMicros)} is a ratio of ${ratioText(worth)}, below value.min_ratio ${minRatio}. Look: afk report --since ${span.firstDay}`,
        subject: "",
        occurrence: week,
        period: week,
      });
    }
    await writeMeta(trx, "value_seen_up_to", last.untilMs);
  });
}
