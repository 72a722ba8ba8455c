import { timingSafeEqual } from "node:crypto";
import type { GatewayConfig } from "../config/config.ts";
import { hashOfKey } from "../lib/client-key.ts";
import { type Clock, systemClock } from "../lib/clock.ts";
import { MINUTE_MS } from "../lib/durations.ts";
import type { Log } from "../lib/log.ts";
import { prepared } from "../store/prepared.ts";
import type { Store } from "../store/store.ts";
import type { Caller, FindCaller } from "./caller.ts";

/** What finding a client by its key takes. */
export interface FindCallerOptions {
  store: Pick<Store, "latest">;
  /** As it stands now; read for each request. */
  config: () => { gateway: GatewayConfig };
  log: Log;
  clock?: Clock;
}

type Client = GatewayConfig["clients"][number];

/** No key of ours is longer; what is longer is not even hashed. */
const KEY_CHARS_MAX = 500;

/**
 * Finds the client of afk.yaml whose key it is: one of the file, or one that `afk key make` made and nobody has revoked.
 * A key that is nobody's costs a hash and one look into an index, whatever there is of clients and keys.
 */
export function createFindCaller({ store, config, log, clock = systemClock }: FindCallerOptions): FindCaller {
  const refuse = createRefusals(log, clock);
  const callers = new WeakMap<Client, Caller>();
  const hashes = new WeakMap<Client, Buffer | null>();

  function callerOf(client: Client): Caller {
    const caller = callers.get(client) ?? asCaller(client, log);
    callers.set(client, caller);
    return caller;
  }

  function configured(clients: readonly Client[], hash: Buffer): Client | undefined {
    // All are compared, and each in constant time: how long it takes says nothing about any key.
    return clients.filter((client) => {
      const own = hashes.get(client) ?? (client.key === null ? null : hashOfKey(client.key));
      hashes.set(client, own);
      return own !== null && timingSafeEqual(own, hash);
    })[0];
  }

  return async (key) => {
    if (key === "" || key.length > KEY_CHARS_MAX) return refuse("unknown_key");
    const hash = hashOfKey(key);
    const { clients } = config().gateway;
    const stated = configured(clients, hash);
    if (stated !== undefined) return callerOf(stated);
    const [row] = (await selectKey(store.latest, { hash: hash.toString("hex") })).rows;
    if (row === undefined) return refuse("unknown_key");
    if (row.revoked_at !== null) return refuse("revoked_key", row.client);
    const client = clients.find(({ name }) => name === row.client);
    return client === undefined ? refuse("unknown_client", row.client) : callerOf(client);
  };
}

const selectKey = prepared((db, { hash }: { hash: string }) =>
  db.selectFrom("client_keys").select(["client", "revoked_at"]).where("hash", "=", hash),
);

function asCaller({ name, models, allow }: Client, log: Log): Caller {
  return {
    title: `client ${name}`,
    scope: { tick: null, job: null, client: name },
    models,
    allow: new Set(allow),
    runner: null,
    recorded: null,
    log: log.child({ client: name }),
    signal: null,
  };
}

type Reason = "unknown_key" | "revoked_key" | "unknown_client";

/** Whoever tries keys must not fill the log: each reason is logged once a minute, with how many there were meanwhile. */
function createRefusals(log: Log, clock: Clock): (reason: Reason, client?: string) => null {
  const logged = new Map<Reason, { atMs: number; unlogged: number }>();
  return (reason, client) => {
    const last = logged.get(reason);
    const nowMs = clock.uptimeMs();
    if (last !== undefined && nowMs - last.atMs < MINUTE_MS) {
      last.unlogged += 1;
      return null;
    }
    logged.set(reason, { atMs: nowMs, unlogged: 0 });
    const earlier = last?.unlogged ?? 0;
    log.event("warn", "client_refused", { reason, ...(client !== undefined && { client }), earlier });
    return null;
  };
}
