import { sql } from "kysely";
import { type Clock, systemClock, toIso } from "../../lib/clock.ts";
import { MINUTE_MS } from "../../lib/durations.ts";
import type { Trx } from "../schema.ts";
import { noteEvent } from "./failover.ts";
import type { AtGate } from "./gate.ts";
import type { Mark } from "./mark.ts";

/** How far the database's clock may be from what a machine's uptime explains before it counts as set. */
const JUMP_TOLERANCE_MS = 5 * MINUTE_MS;

/** In the place of the generation that took a clock for right: no section has read it. */
const UNJUDGED = -1;

/**
 * The time of the agent: read behind the gate by each section, and carried on by the monotonic clock of this machine from one
 * section to the next. It goes back only where a person says so: where it was carried too far it stands still until the database's
 * has come there, so that leases of all machines go by one time. `local` is this machine's clock.
 */
export function databaseClock(local: Pick<Clock, "nowMs" | "uptimeMs"> = systemClock) {
  let at: { nowMs: number; uptimeMs: number; setAt: number } | null = null;
  let latest = 0;
  const nowMs = () => {
    if (at === null) return local.nowMs();
    latest = Math.max(latest, at.nowMs + Math.max(0, Math.floor(local.uptimeMs() - at.uptimeMs)));
    return latest;
  };
  return {
    /** As it is found at first: the first section judges it, and may take it back. */
    begin(nowMs: number): void {
      at = { nowMs, uptimeMs: local.uptimeMs(), setAt: UNJUDGED };
    },
    /** What a section found. */
    read({ nowMs: found, time }: Pick<AtGate, "nowMs" | "time">): void {
      // Set by a person since, and maybe back.
      if (at !== null && at.setAt !== time.setAt) latest = 0;
      at = { nowMs: found, uptimeMs: local.uptimeMs(), setAt: time.setAt };
    },
    /** What a person took for right. */
    set({ nowMs: given, setAt }: { nowMs: number; setAt: number }): void {
      latest = 0;
      at = { nowMs: given, uptimeMs: local.uptimeMs(), setAt };
    },
    /** A clock that says the agent's time, and for the rest is `clock`. */
    over: (clock: Clock): Clock => ({
      isShared: true,
      nowMs,
      uptimeMs: () => clock.uptimeMs(),
      bootId: () => clock.bootId(),
      sleep: (ms, signal) => clock.sleep(ms, signal),
      idle: (signal) => clock.idle(signal),
    }),
  };
}

/** What a jump of the database's clock amounts to: the agent's time goes on from `holdMs`. */
interface Jump {
  aheadMs: number;
  holdMs: number;
}

/**
 * Whether the database's clock has jumped. Back: it is behind the section before. Ahead: by more than the time that has passed on
 * this machine since its mark was made, and than what other machines have seen since. A mark of before a boot, or of before a person
 * took the clock for right, says nothing.
 */
export function judgeJump({ nowMs, time }: AtGate, mark: Mark, clock: Clock = systemClock): Jump | null {
  const shownMs = time.databaseMs + time.shiftMs;
  if (time.beforeMs - shownMs > JUMP_TOLERANCE_MS)
    return { aheadMs: shownMs - time.beforeMs, holdMs: time.beforeMs };
  if (mark.generation <= time.setAt || mark.bootId !== clock.bootId()) return null;
  const passedMs = clock.uptimeMs() - mark.uptimeMs;
  if (passedMs < 0) return null;
  const earnedMs = Math.max(time.beforeMs, mark.at + passedMs);
  return nowMs - earnedMs > JUMP_TOLERANCE_MS ? { aheadMs: nowMs - earnedMs, holdMs: earnedMs } : null;
}

/**
 * Where the database's clock has jumped, the agent's time goes on as if it had not, in every machine, until a person takes it for
 * right: no window opens early, and no lease ends. @returns whether it did.
 */
export async function checkClock(trx: Trx, gate: AtGate, mark: Mark): Promise<boolean> {
  const jump = judgeJump(gate, mark);
  if (jump === null) return false;
  const holdMs = Math.round(jump.holdMs);
  const shiftMs = holdMs - gate.time.databaseMs;
  [gate.nowMs, gate.time.shiftMs] = [holdMs, shiftMs];
  await trx.updateTable("gate").set({ latest_at: holdMs, shift_ms: shiftMs }).where("id", "=", 1).execute();
  const minutes = Math.round(Math.abs(jump.aheadMs) / MINUTE_MS);
  const where =
    jump.aheadMs > 0 ? "ahead of what this machine's uptime explains" : "behind an earlier reading";
  const reason =
    `The database's clock is ${minutes} minutes ${where}. The agent's time goes on from ${toIso(holdMs)}, ` +
    `so no window opens early. If that clock is right now: afk resume${jump.aheadMs > 0 ? "" : " --clock"}`;
  await noteEvent(trx, gate, "clock_jump", reason);
  return true;
}

/**
 * Takes the database's clock for right: forwards at once, backwards only when that is said. @returns the agent's time from then on,
 * and the generation that says so; null where nothing was held back.
 */
export async function acceptDatabaseClock(
  trx: Trx,
  how: { isBackToo: boolean },
): Promise<{ nowMs: number; setAt: number } | null> {
  const clock = sql<number>`floor(extract(epoch from clock_timestamp()) * 1000)::bigint`;
  const gate = await trx
    .updateTable("gate")
    .set((eb) => ({
      shift_ms: 0,
      clock_set: eb.ref("generation"),
      latest_at: how.isBackToo ? clock : sql<number>`greatest(latest_at, ${clock})`,
    }))
    .where("id", "=", 1)
    .where("shift_ms", how.isBackToo ? "<>" : "<", 0)
    .returning(["latest_at", "clock_set"])
    .executeTakeFirst();
  return gate === undefined ? null : { nowMs: gate.latest_at, setAt: gate.clock_set };
}
