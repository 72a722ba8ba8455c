import { DAY_MS } from "../../lib/durations.ts";
import { runKeys } from "../../store/meta.ts";
import type { Trx } from "../../store/schema.ts";

/** One that has given no sign for this long is shown no more; it may come back. */
const GONE_MS = 30 * DAY_MS;

/** Where each start of a container is a machine of its own, their rows would grow without end. */
export async function forgetGone(trx: Trx, nowMs: number): Promise<void> {
  const gone = await trx
    .deleteFrom("machines")
    .where("lease_until", "<", nowMs - GONE_MS)
    .returning(["id", "part"])
    .execute();
  const ids = gone.filter(({ part }) => part === "worker").map(({ id }) => id);
  if (ids.length === 0) return;
  const keys = ids.flatMap((id) => Object.values(runKeys(id)));
  await trx.deleteFrom("meta").where("key", "in", keys).execute();
  await leaveOutputs(trx, ids);
}

/** What workers have made and not written is for whoever ticks next: they may be gone for good. */
export async function leaveOutputs(trx: Trx, machines: readonly string[]): Promise<void> {
  await trx
    .updateTable("outputs")
    .set({ machine: null })
    .where("state", "=", "pending")
    .where("machine", "in", machines)
    .execute();
}
