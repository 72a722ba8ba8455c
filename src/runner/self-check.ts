import { countersAgree } from "../ops/counters.ts";
import { setKill } from "../rails/kill.ts";
import { dropBallast, hasRoomToWork, keepBallast } from "../store/ballast.ts";
import { isDiskFull } from "../store/errors.ts";
import { readMeta, writeMeta } from "../store/meta.ts";
import type { Parts } from "./parts.ts";

const CHECK_EVERY_MS = 86_400_000;

/**
 * Once a day, and after an unclean end, derives the counters again from the ledger. They must agree: if they do not,
 * what is left of a cap is not known, and the kill switch is set until a person has looked.
 */
export async function checkCounters(parts: Parts, isAfterCrash: boolean): Promise<void> {
  const nowMs = parts.clock.nowMs();
  const lastAt = await readMeta(parts.store.db, "counters_checked_at");
  if (!isAfterCrash && nowMs >= lastAt && nowMs - lastAt < CHECK_EVERY_MS) return;
  await parts.outbox.transaction(async (trx, announce) => {
    const differences = await countersAgree(trx);
    await writeMeta(trx, "counters_checked_at", nowMs);
    if (differences.length === 0) return;
    const told = differences.slice(0, 3).join("; ");
    await setKill(
      trx,
      announce,
      `the counters disagree with the ledger (${told}); look with: afk doctor`,
      nowMs,
    );
  });
}

/** Takes the ballast if there is room, and tells of a disk that is nearly full. False when no work should be begun. */
export async function checkDisk(parts: Parts): Promise<boolean> {
  const { state } = parts.config.paths;
  keepBallast(state);
  if (hasRoomToWork(state)) return true;
  await parts.outbox.transaction((_trx, announce) =>
    announce({
      event: "disk_low",
      title: "The disk is nearly full",
      message: `Nothing is begun until there is room on the disk that holds ${state}. What is queued and reserved stays. Look: afk doctor`,
      key: `disk_low:${Math.floor(parts.clock.nowMs() / CHECK_EVERY_MS)}`,
    }),
  );
  return false;
}

/** Writes what must be written; on a full disk once more, in the room that the ballast gives back. */
export async function withBallast<T>(parts: Parts, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    if (!isDiskFull(error)) throw error;
    dropBallast(parts.config.paths.state);
    return await write();
  }
}
