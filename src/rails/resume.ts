import { clearBlocked } from "./breaker.ts";
import { acceptWallClock } from "./budget-time.ts";
import { confirmEvents } from "./database-events.ts";
import type { Kill } from "./halt.ts";
import { clearKill } from "./kill.ts";
import type { Rails } from "./rails.ts";

/** What a person has cleared. */
interface Resumed {
  kill: Kill | null;
  /** Names of the breakers that nothing else would have closed. */
  breakers: string[];
  /** What was found wrong with the database as a whole, and is confirmed with this: in words. */
  confirmed: string[];
}

/** Lets work go on, confirmed by a person: clears the kill switch and blocked breakers, and takes the wall clock for right. */
export async function resume(rails: Rails, how: { isBackToo: boolean }): Promise<Resumed> {
  const { clock, stopFile } = rails;
  return await rails.store.atomically(async (trx) => {
    await rails.store.acceptClock(trx, how);
    await acceptWallClock(trx, clock, how);
    const breakers = await clearBlocked(trx, rails, clock.nowMs());
    const confirmed = await confirmEvents(trx, clock.nowMs());
    return { kill: await clearKill(trx, stopFile), breakers, confirmed };
  });
}
