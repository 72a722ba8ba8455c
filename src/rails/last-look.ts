import { messageOf } from "../lib/errors.ts";
import type { Reservation } from "./budget.ts";
import { CallFailed } from "./call.ts";
import { Killed } from "./halt.ts";
import { readKillRow, readReplaced } from "./kill.ts";
import { refuseLapsed } from "./machine.ts";
import type { Rails } from "./rails.ts";
import { readStopFile } from "./stop-file.ts";

/**
 * The kill switch is looked at again, since the disk may have taken its time over the gates' commit, and the host over the
 * connection. Whatever refuses here gives reservation and probe back: nothing was sent.
 */
export function createLastLook(
  rails: Pick<Rails, "store" | "stopFile" | "machine" | "clock">,
  call: Pick<Reservation, "runner" | "claim">,
  signal: AbortSignal,
) {
  let refusal: CallFailed | null = null;
  return {
    async lastLook(): Promise<void> {
      // A call may look more than once; what counts is the look that its first byte followed.
      refusal = null;
      try {
        // The files at the end, since the row may have waited for another program.
        const row = await readKillRow(rails.store.latest);
        const kill = readReplaced(rails.store) ?? readStopFile(rails.stopFile) ?? row;
        if (kill !== null) throw new Killed(kill);
        refuseLapsed(rails, call);
        signal.throwIfAborted();
      } catch (cause) {
        refusal = new CallFailed(messageOf(cause), { charge: "none", trip: "none", cause });
        throw cause;
      }
    },
    /** Why nothing was sent, for the reason in `cause`; null when no look refused. */
    refusal: () => refusal,
  };
}
