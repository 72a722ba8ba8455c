import { MINUTE_MS } from "../../lib/durations.ts";
import { messageOf } from "../../lib/errors.ts";
import type { Log } from "../../lib/log.ts";
import { raiseHighWater } from "../../ops/high-water.ts";
import { readReplaced } from "../../rails/kill.ts";
import type { Uses } from "../dependencies.ts";

/** What was spent is marked this often: a copy put back from before then is seen by whoever begins on it. */
const MARK_MS = 5_000;

/** What a gateway's process does beside the requests, as a tick does it beside its jobs. */
export interface Chores {
  /**
   * Does what is due; cheap where nothing is. What fails is logged and tried again.
   * @throws StoreRefused when the state was tampered with, or its disk has failed.
   */
  step(config: Uses<"config">["config"]): Promise<void>;
  /** Resolves when what was spent is marked; called when no request is left. */
  ended(config: Uses<"config">["config"]): Promise<void>;
}

/** The chores of one gateway. Alerts go out by the sender, which is held beside them. */
export function createChores({
  store,
  sender,
  clock,
  log,
}: Uses<"store" | "sender" | "clock" | "log">): Chores {
  const release = sender.hold();
  let nextAt = 0;
  let markAt = 0;
  let marked = "";

  /** A database that is put back from before what was spent here has to be seen, also where nothing ticks. */
  async function raiseMark(path: string): Promise<void> {
    const last = store.db.selectFrom("ledger").select("id").orderBy("id", "desc").limit(1);
    const { id = "" } = (await last.executeTakeFirst()) ?? {};
    if (id === marked) return;
    await raiseHighWater(store, path);
    marked = id;
  }

  return {
    async step(config) {
      store.health.refuseBroken();
      const nowMs = clock.uptimeMs();
      if (nowMs >= markAt) {
        markAt = nowMs + MARK_MS;
        await orLog(log, () => raiseMark(config.paths.highWater));
      }
      if (nowMs < nextAt) return;
      nextAt = nowMs + MINUTE_MS;
      await store.health.refuseForeign();
    },
    async ended(config) {
      release();
      // Beside other files than its own there is nothing to mark.
      if (readReplaced(store) === null) await orLog(log, () => raiseMark(config.paths.highWater));
    },
  };
}

/** Does what a gateway can go on without: another program may keep the database busy for a while. */
export async function orLog(log: Log, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    log.event("error", "gateway_error", { error: messageOf(error) });
  }
}
