import { DAY_MS } from "../../lib/durations.ts";
import { clockAgrees, countersAgree } from "../../ops/counters.ts";
import { setKill } from "../../rails/kill.ts";
import { readMeta, writeMeta } from "../../store/meta.ts";
import type { Db } from "../../store/schema.ts";
import { hasRoomToWork, keepBallast } from "../../store/sqlite/ballast.ts";
import type { Uses, Writing } from "../dependencies.ts";
import type { PhaseResult } from "./result.ts";

const CHECK_EVERY_MS = DAY_MS;
/** When a check is written down again. In between it would only be one more wait for the disk, at each tick. */
const NOTE_EVERY_MS = CHECK_EVERY_MS / 24;

/**
 * Reads the whole database and derives the counters again from the ledger: a disk changes bytes without a word, and
 * SQLite looks at no more than it needs. A large one is read once a day and after a crash, any other at every tick. Counters must agree: if they do not, what is left of a cap is not known, and
 * the kill switch is set until a person has looked.
 * @throws StoreRefused when the database is damaged.
 */
export async function checkCounters(
  { store, clock, outbox }: Uses<"store" | "clock" | "outbox">,
  isAfterCrash: boolean,
): Promise<void> {
  const look = async (db: Db) => {
    const nowMs = clock.nowMs();
    const lastAt = await readMeta(db, "counters_checked_at");
    const isRecent = nowMs >= lastAt && nowMs - lastAt < CHECK_EVERY_MS;
    return { nowMs, lastAt, isRecent, isEnough: !isAfterCrash && isRecent && store.health.isLarge() };
  };
  if ((await look(store.db)).isEnough) return;
  await store.health.refuseDamage();
  await store.atomically(async (trx) => {
    // Another machine may have done it meanwhile.
    const { nowMs, lastAt, isRecent, isEnough } = await look(trx);
    if (isEnough) return;
    const differences = [...(await countersAgree(trx)), ...(await clockAgrees(trx, nowMs))];
    if (!isRecent || nowMs - lastAt >= NOTE_EVERY_MS) await writeMeta(trx, "counters_checked_at", nowMs);
    if (differences.length === 0) return;
    const reason = `the counters disagree with the ledger (${differences.slice(0, 3).join("; ")}); look with: afk doctor`;
    await setKill(trx, outbox.announce, reason, nowMs);
  });
}

/** Takes the ballast if there is room, and reports a disk that is nearly full: then no work should be begun. */
export async function checkDisk({ config, store, outbox, clock }: Writing): Promise<PhaseResult> {
  const { state } = config.paths;
  keepBallast(state);
  if (hasRoomToWork(state)) return {};
  await store.atomically((trx) =>
    outbox.announce(trx, {
      event: "disk_low",
      title: "The disk is nearly full",
      message: `Nothing is begun until there is room on the disk that holds ${state}. What is queued and reserved stays. Look: afk doctor`,
      subject: "",
      occurrence: String(Math.floor(clock.nowMs() / CHECK_EVERY_MS)),
    }),
  );
  return { isFit: false, verdict: { outcome: "halted", reason: "the disk is nearly full" } };
}
