import type { Db, Trx } from "../store/schema.ts";
import { HOUR_MINUTES, minuteAt, type Window } from "./windows.ts";

export interface Spend {
  settledMicros: number;
  reservedMicros: number;
}

/** What a window holds at `nowMs`: one row, or for the hour the sum of its last minutes. */
export async function readSpend(
  db: Db,
  window: Pick<Window, "window" | "period">,
  nowMs: number,
): Promise<Spend> {
  const select = db
    .selectFrom("budget_windows")
    .select((eb) => [
      eb.fn.coalesce(eb.fn.sum<number>("settled_micros"), eb.lit(0)).as("settled"),
      eb.fn.coalesce(eb.fn.sum<number>("reserved_micros"), eb.lit(0)).as("reserved"),
    ])
    .where("window", "=", window.window);
  const rows =
    window.window === "hour"
      ? select
          .where("period", ">=", minuteAt(nowMs - HOUR_MINUTES * 60_000))
          .where("period", "<=", minuteAt(nowMs))
      : select.where("period", "=", window.period);
  const { settled, reserved } = await rows.executeTakeFirstOrThrow();
  return { settledMicros: Number(settled), reservedMicros: Number(reserved) };
}

/** Adds a reservation to a window's counter, and keeps the cap it was accepted under for the schema's own check. */
export async function addReserved(trx: Trx, window: Window, micros: number): Promise<void> {
  await trx
    .insertInto("budget_windows")
    .values({
      window: window.window,
      period: window.period,
      cap_micros: window.capMicros,
      settled_micros: 0,
      reserved_micros: micros,
      overrun_micros: 0,
    })
    .onConflict((conflict) =>
      conflict.columns(["window", "period"]).doUpdateSet((eb) => ({
        cap_micros: window.capMicros,
        reserved_micros: eb("budget_windows.reserved_micros", "+", micros),
      })),
    )
    .execute();
}

/** Takes a reservation out of a window's counter and puts what the call cost in its place. */
export async function replaceReserved(
  trx: Trx,
  window: Pick<Window, "window" | "period">,
  change: { estimateMicros: number; costMicros: number },
): Promise<void> {
  await trx
    .updateTable("budget_windows")
    .set((eb) => ({
      reserved_micros: eb("reserved_micros", "-", change.estimateMicros),
      settled_micros: eb("settled_micros", "+", change.costMicros),
      overrun_micros: eb("overrun_micros", "+", Math.max(0, change.costMicros - change.estimateMicros)),
    }))
    .where("window", "=", window.window)
    .where("period", "=", window.period)
    .execute();
}
