import type { Config } from "../config/config.ts";
import { remotesOf } from "../config/remote.ts";
import { toIso } from "../lib/clock.ts";
import type { Db } from "../store/schema.ts";
import { readWorker } from "./worker.ts";

/** A channel of the phone. Instants are ISO 8601 in UTC; null where there is none. */
export interface RemoteStatus {
  /** The name of the alert channel. */
  channel: string;
  type: "telegram" | "ntfy";
  /** A process reads it now. */
  isRead: boolean;
  /** Since when its service answers without a break. */
  connectedAt: string | null;
  /** When it last answered, to a minute. */
  heardAt: string | null;
  /** Since when it does not answer as it should, and what it says. */
  failingSince: string | null;
  error: string | null;
}

/** How well the phone is read; empty where afk.yaml names none. @throws StoreRefused when the lock cannot be read. */
export async function readRemoteStatus(db: Db, config: Config): Promise<RemoteStatus[]> {
  const remotes = remotesOf(config);
  if (remotes.length === 0) return [];
  const isRead = readWorker(config.paths.remoteLock).state === "working";
  const rows = await db.selectFrom("remote_cursors").selectAll().execute();
  const iso = (ms: number | null | undefined) => (ms == null ? null : toIso(ms));
  return remotes.map(({ id, type, channel }) => {
    const row = rows.find((each) => each.channel === id);
    return {
      ...{ channel: channel.name, type, isRead },
      connectedAt: isRead ? iso(row?.connected_at) : null,
      heardAt: iso(row?.heard_at),
      failingSince: iso(row?.failing_since),
      error: row?.error ?? null,
    };
  });
}
