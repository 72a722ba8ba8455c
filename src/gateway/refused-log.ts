import type { Clock } from "../lib/clock.ts";
import { MINUTE_MS } from "../lib/durations.ts";
import type { Fields, Log } from "../lib/log.ts";

/** Writes a line of a refusal, where it is time for one. `key`: what of which one line a minute is enough. */
export type NoteRefused = (log: Log, key: string, fields: Fields & { reason: string }) => void;

/** Whoever is refused again and again must not fill the log: one line a minute for each key, with how many there were meanwhile. */
export function createRefusedLog(clock: Pick<Clock, "uptimeMs">): NoteRefused {
  const logged = new Map<string, { atMs: number; unlogged: number }>();
  return (log, key, fields) => {
    const last = logged.get(key);
    const nowMs = clock.uptimeMs();
    if (last !== undefined && nowMs - last.atMs < MINUTE_MS) {
      last.unlogged += 1;
      return;
    }
    logged.set(key, { atMs: nowMs, unlogged: 0 });
    const earlier = last?.unlogged ?? 0;
    log.event("warn", "client_refused", { ...fields, ...(earlier > 0 && { earlier }) });
  };
}
