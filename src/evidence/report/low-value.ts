import type { StateAccess } from "../../ops/alerting.ts";
import { readMeta, writeMeta } from "../../store/meta.ts";
import type { Db } from "../../store/schema.ts";
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
  const latest = Array.from({ length: WEEKS_BACK_MAX }, (_, index) =>
    weekAt(clock.nowMs(), config.timezone, WEEKS_BACK_MAX - index),
  );
  const unseenIn = async (db: Db) => {
    const seenUpTo = await readMeta(db, "value_seen_up_to");
    return latest.filter((week) => week.untilMs > seenUpTo);
  };
  if ((await unseenIn(store.db)).length === 0) return;
  await store.atomically(async (trx) => {
    const weeks = await unseenIn(trx);
    const last = weeks.at(-1);
    // Another machine has looked at them meanwhile.
    if (last === undefined) return;
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
