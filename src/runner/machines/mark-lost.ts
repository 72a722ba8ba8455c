import { toIso } from "../../lib/clock.ts";
import type { Machine } from "../../rails/machine.ts";
import type { Uses } from "../dependencies.ts";
import { leaveOutputs } from "./gone.ts";
import { MACHINE_LEASE_MS } from "./take-part.ts";

/**
 * Marks the machines that have not renewed their lease for twice its time: whatever their process still does comes to nothing. Not
 * as soon as a lease is over: after an outage of the database those of all are, and each needs a moment to renew its own.
 */
export async function markLost(
  { store, outbox, clock, sender }: Uses<"store" | "outbox" | "clock" | "sender">,
  { runner }: Machine,
): Promise<void> {
  const lost = await store.atomically(async (trx) => {
    const nowMs = clock.nowMs();
    const rows = await trx
      .updateTable("machines")
      .set({ lost_at: nowMs })
      .where("runner", "!=", runner)
      .where("lost_at", "is", null)
      .where("ended_at", "is", null)
      .where("lease_until", "<=", nowMs - MACHINE_LEASE_MS)
      .returningAll()
      .execute();
    for (const row of rows) {
      const since = toIso(row.lease_until - MACHINE_LEASE_MS);
      if (row.part === "gateway") {
        await outbox.announce(trx, {
          event: "machine_lost",
          title: `The gateway of the machine ${row.name} was lost`,
          message: `The gateway of the machine ${row.name} (${row.id}) has given no sign since ${since}. Its clients get no answer; what their calls cost is unknown until you say it. Look: afk machines`,
          subject: row.id,
          occurrence: row.runner,
        });
        continue;
      }
      await trx
        .updateTable("ticks")
        .set({ outcome: "crashed", finished_at: nowMs, reason: "its machine was lost" })
        .where("outcome", "=", "running")
        .where("machine", "=", row.id)
        .execute();
      await leaveOutputs(trx, [row.id]);
      await outbox.announce(trx, {
        event: "machine_lost",
        title: `The machine ${row.name} was lost`,
        message: `The machine ${row.name} (${row.id}) has given no sign since ${since}. Its jobs go on elsewhere; what its calls cost is unknown until you say it. Look: afk machines`,
        subject: row.id,
        occurrence: row.runner,
      });
    }
    return rows.length;
  });
  if (lost > 0) sender.wake();
}
