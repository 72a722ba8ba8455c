import { timingSafeEqual } from "node:crypto";
import type { GatewayConfig } from "../config/config.ts";
import { hashOfKey } from "../lib/client-key.ts";
import { type Clock, systemClock } from "../lib/clock.ts";
import type { Log } from "../lib/log.ts";
import { prepared } from "../store/prepared.ts";
import type { Store } from "../store/store.ts";
import type { Caller, FindCaller } from "./caller.ts";
import { createRefusedLog } from "./refused-log.ts";

/** What finding a client by its key takes. */
export interface FindCallerOptions {
  store: Pick<Store, "latest">;
  /** As it stands now; read for each request. */
  config: () => { gateway: GatewayConfig };
  log: Log;
  clock?: Clock;
  /** In a fleet: the gateway's process, as the ledger names it. */
  runner?: string | null;
}

type Client = GatewayConfig["clients"][number];

/** No key of ours is longer; what is longer is not even hashed. */
const KEY_CHARS_MAX = 500;

/**
 * Finds the client of afk.yaml whose key it is: one of the file, or one that `afk key make` made and nobody has revoked.
 * A key that is nobody's costs a hash and one look into an index, whatever there is of clients and keys.
 */
export function createFindCaller({
  store,
  config,
  log,
  clock = systemClock,
  runner = null,
}: FindCallerOptions): FindCaller {
  const noteRefused = createRefusedLog(clock);
  const callers = new WeakMap<Client, Caller>();
  const hashes = new WeakMap<Client, Buffer | null>();

  function refuse(reason: "unknown_key" | "revoked_key" | "unknown_client", client?: string): null {
    noteRefused(log, reason, { reason, ...(client !== undefined && { client }) });
    return null;
  }

  function callerOf(client: Client): Caller {
    const caller = callers.get(client) ?? asCaller(client, runner, log);
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

function asCaller({ name, models, allow }: Client, runner: string | null, log: Log): Caller {
  return {
    title: `client ${name}`,
    scope: { tick: null, job: null, client: name },
    models,
    allow: new Set(allow),
    runner,
    recorded: null,
    log: log.child({ client: name }),
    signal: null,
  };
}
