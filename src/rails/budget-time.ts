import type { Announce, Notice } from "../alerts/outbox.ts";
import { type Clock, toIso } from "../lib/clock.ts";
import { MINUTE_MS } from "../lib/durations.ts";
import { greater } from "../store/greater.ts";
import { prepared } from "../store/prepared.ts";
import type { BudgetClockTable } from "../store/schema/rails.ts";
import type { Db, Trx } from "../store/schema.ts";

/** How far the wall clock may be ahead of what the uptime explains before it counts as set forward. */
const JUMP_TOLERANCE_MS = 5 * MINUTE_MS;
/** What two processes are told of the same uptime differs by some milliseconds. */
const UPTIME_TOLERANCE_MS = 1_000;

/** In the place of a boot's id: the time is a fleet's. What its database's clock does is judged where it is read (store/postgres/clock.ts). */
const SHARED = "fleet";

/**
 * The time that windows are reckoned in. It never runs backwards, and within one boot it runs no faster than the
 * machine's uptime, so that a wall clock set back or forward opens no window. After a reboot nothing says how long
 * the machine was off, so the wall clock is believed again as long as it is not behind. Writes what it has read.
 * `reading` is the clock as this section has read it already.
 */
export async function budgetNow(
  trx: Trx,
  announce: Announce,
  clock: Clock,
  reading?: BudgetClock,
): Promise<number> {
  const { row } = reading ?? (await readBudgetClock(trx));
  const wall = clock.nowMs();
  if (row === undefined) {
    await anchorAt(trx, clock, wall);
    return wall;
  }
  const { now, aheadMs, isSameBoot } = reckon(row, clock);
  const behindMs = row.latest_at - wall;
  // The anchor stays while the boot lasts, the latest reading while the clock is behind it: each jump has one key.
  if (aheadMs > JUMP_TOLERANCE_MS) {
    const occurrence = String(Math.round(aheadMs / 900_000));
    await announce(trx, jump(aheadMs, now, { subject: `ahead:${row.anchor_at}`, occurrence }), "quiet");
  }
  if (behindMs > JUMP_TOLERANCE_MS) {
    const key = { subject: "behind", occurrence: String(row.latest_at) };
    await announce(trx, jump(-behindMs, now, key), "quiet");
  }
  if (isSameBoot) await updateLatest(trx, { now });
  else await anchorAt(trx, clock, now);
  return now;
}

const updateLatest = prepared((db, { now }: { now: number }) =>
  db.updateTable("budget_clock").set({ latest_at: now }).where("id", "=", 1),
);

async function anchorAt(trx: Trx, clock: Clock, now: number): Promise<void> {
  const columns = { latest_at: now, anchor_at: now, ...bootOf(clock) };
  await trx
    .insertInto("budget_clock")
    .values({ id: 1, ...columns })
    .onConflict((conflict) => conflict.column("id").doUpdateSet(columns))
    .execute();
}

function bootOf(clock: Clock): Pick<BudgetClockTable, "uptime_ms" | "boot_id"> {
  if (clock.isShared === true) return { uptime_ms: 0, boot_id: SHARED };
  return { uptime_ms: clock.uptimeMs(), boot_id: clock.bootId() };
}

/** The same time, read-only. */
export async function peekBudgetNow(db: Db, clock: Clock): Promise<number> {
  const { row } = await readBudgetClock(db);
  return row === undefined ? clock.nowMs() : reckon(row, clock).now;
}

/** The time by which what is kept grows old: the earlier of the two clocks, so that one that is set ahead makes nothing old. */
export async function agingNow(db: Db, clock: Clock): Promise<number> {
  return Math.min(clock.nowMs(), await peekBudgetNow(db, clock));
}

/** The clock as it is on disk; without a row before the first call. */
export interface BudgetClock {
  row: BudgetClockTable | undefined;
}

export async function readBudgetClock(db: Db): Promise<BudgetClock> {
  return { row: (await selectClock(db, {})).rows[0] };
}

const selectClock = prepared((db) => db.selectFrom("budget_clock").selectAll().where("id", "=", 1));

function reckon(row: BudgetClockTable, clock: Clock): { now: number; aheadMs: number; isSameBoot: boolean } {
  const wall = clock.nowMs();
  if (clock.isShared === true || row.boot_id === SHARED) {
    const isSameBoot = row.boot_id === SHARED;
    return { now: Math.max(row.latest_at, wall), aheadMs: 0, isSameBoot };
  }
  // Read once: the system takes longer to tell its uptime than SQLite to find the row.
  const uptimeMs = clock.uptimeMs();
  const isSameBoot = row.boot_id === clock.bootId() && uptimeMs >= row.uptime_ms - UPTIME_TOLERANCE_MS;
  const earned = isSameBoot ? row.anchor_at + (uptimeMs - row.uptime_ms) : wall;
  const aheadMs = wall - earned;
  return { now: Math.max(row.latest_at, aheadMs > JUMP_TOLERANCE_MS ? earned : wall), aheadMs, isSameBoot };
}

/**
 * Takes the wall clock for right, confirmed by a person. Windows follow it again forwards at once; backwards only when that is
 * said too, as after a start with a clock far ahead: the windows it goes back to hold what was spent in them.
 */
export async function acceptWallClock(trx: Trx, clock: Clock, how: { isBackToo: boolean }): Promise<void> {
  const wall = clock.nowMs();
  await trx
    .updateTable("budget_clock")
    .set({
      ...(how.isBackToo && { latest_at: wall }),
      anchor_at: how.isBackToo ? wall : greater("latest_at", wall),
      ...bootOf(clock),
    })
    .where("id", "=", 1)
    .execute();
}

/** Every call meets the jump again, and only the first time says something: the key says so. */
function jump(byMs: number, now: number, key: Pick<Notice, "subject" | "occurrence">): Notice {
  const minutes = Math.round(Math.abs(byMs) / MINUTE_MS);
  return {
    event: "clock_jump",
    title: `The clock is ${minutes} min ${byMs > 0 ? "ahead" : "behind"}`,
    message:
      `The wall clock is ${minutes} minutes ${byMs > 0 ? "ahead of what the uptime explains" : "behind an earlier reading"}. ` +
      `Caps go on from ${toIso(now)}, so no window opens early. If the clock is right now: afk resume${byMs > 0 ? "" : " --clock"}`,
    ...key,
  };
}
