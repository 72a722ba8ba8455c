import type { Config } from "../config/config.ts";
import { hashOfKey, hintOfKey, newClientKey } from "../lib/client-key.ts";
import { type Clock, toIso } from "../lib/clock.ts";
import { AfkError, EXIT } from "../lib/errors.ts";
import { didYouMean } from "../lib/nearest.ts";
import type { Db, Trx } from "../store/schema.ts";
import type { Store } from "../store/store.ts";

/** A key as people see it; instants as ISO 8601. */
export interface ClientKey {
  client: string;
  /** The end of the key; null for one that stands in afk.yaml. */
  hint: string | null;
  /** `gone`: its client is not in afk.yaml any more, so that it opens nothing. */
  state: "valid" | "revoked" | "gone";
  madeAt: string | null;
  revokedAt: string | null;
}

interface Uses {
  store: Store;
  clock: Clock;
  config: Pick<Config, "gateway">;
}

/** Enough to renew the keys of many machines one by one. */
const KEYS_MAX = 20;

/**
 * Makes a key for a client of afk.yaml, which is valid at once. Only its hash is kept, so it can be shown this once alone.
 * @throws AfkError (`unknown_client`, exit 2; `too_many_keys`)
 */
export async function makeKey(
  { store, clock, config }: Uses,
  client: string,
): Promise<{ client: string; key: string; hint: string }> {
  refuseUnknown(
    client,
    config.gateway.clients.map(({ name }) => name),
  );
  const key = newClientKey();
  const hint = hintOfKey(key);
  await store.atomically(async (trx) => {
    const valid = await validHints(trx, client);
    if (valid.length >= KEYS_MAX)
      throw keysError(
        "too_many_keys",
        `${client} has ${valid.length} valid keys, which is the most; revoke one first: afk key revoke ${client} HINT`,
      );
    const hash = hashOfKey(key).toString("hex");
    const row = { hash, client, hint, made_at: clock.nowMs(), revoked_at: null };
    await trx.insertInto("client_keys").values(row).execute();
  });
  return { client, key, hint };
}

/** Every key of every client, the newest of each first; those of afk.yaml too. */
export async function listKeys(
  db: Db,
  { gateway }: Pick<Config, "gateway">,
  limit: number,
): Promise<ClientKey[]> {
  const rows = await db
    .selectFrom("client_keys")
    .select(["client", "hint", "made_at", "revoked_at"])
    .orderBy("client")
    .orderBy("made_at", "desc")
    .orderBy("hash")
    .limit(limit)
    .execute();
  const stated = gateway.clients.flatMap(({ name, key }): ClientKey[] =>
    key === null ? [] : [{ client: name, hint: null, state: "valid", madeAt: null, revokedAt: null }],
  );
  const made = rows.map((row): ClientKey => {
    const isThere = gateway.clients.some(({ name }) => name === row.client);
    const state = row.revoked_at === null ? (isThere ? "valid" : "gone") : "revoked";
    const revokedAt = row.revoked_at === null ? null : toIso(Number(row.revoked_at));
    return { client: row.client, hint: row.hint, state, madeAt: toIso(Number(row.made_at)), revokedAt };
  });
  return [...stated, ...made];
}

/** Names of clients that have no valid key, neither in afk.yaml nor one that was made. */
export async function clientsWithoutKey(db: Db, { gateway }: Pick<Config, "gateway">): Promise<string[]> {
  const valid = db.selectFrom("client_keys").select("client").where("revoked_at", "is", null).distinct();
  const made = new Set((await valid.execute()).map(({ client }) => client));
  return gateway.clients.flatMap(({ name, key }) => (key === null && !made.has(name) ? [name] : []));
}

/**
 * Revokes keys of a client for good: all, that of a hint, or the only one there is. Calls that are under way go on; the
 * client's spend and caps stay as they are. Gives the hints of what was revoked.
 * @throws AfkError (`unknown_client`, `which_key`: exit 2; `no_key`)
 */
export async function revokeKeys(
  { store, clock, config }: Uses,
  client: string,
  which: "all" | "only" | { hint: string },
): Promise<string[]> {
  const revoked = await store.atomically(async (trx) => {
    const made = await trx.selectFrom("client_keys").select("client").distinct().execute();
    const names = [...config.gateway.clients.map(({ name }) => name), ...made.map((row) => row.client)];
    refuseUnknown(client, [...new Set(names)]);
    const valid = await validHints(trx, client);
    if (which === "only" && valid.length > 1)
      throw keysError(
        "which_key",
        `${client} has ${valid.length} valid keys; say which, by its end: ${valid.join(", ")}; or --all`,
        EXIT.usage,
      );
    const hints = typeof which === "object" ? valid.filter((hint) => hint === which.hint) : valid;
    if (hints.length > 0)
      await trx
        .updateTable("client_keys")
        .set({ revoked_at: clock.nowMs() })
        .where("client", "=", client)
        .where("revoked_at", "is", null)
        .where("hint", "in", hints)
        .execute();
    return { hints, valid };
  });
  if (revoked.hints.length === 0) throw nothingRevoked(client, which, revoked.valid, config);
  return revoked.hints;
}

/** The hashes of all keys that were revoked, in a database that may be of a version without keys. */
export async function revokedHashes(db: Db): Promise<string[]> {
  const tables = await db.introspection.getTables();
  if (!tables.some(({ name }) => name === "client_keys")) return [];
  const rows = await db
    .selectFrom("client_keys")
    .select("hash")
    .where("revoked_at", "is not", null)
    .execute();
  return rows.map(({ hash }) => hash);
}

/** Revokes the keys with these hashes, or all, as far as they are there and valid; gives how many. */
export async function revokeHashes(
  trx: Trx,
  hashes: readonly string[] | "all",
  nowMs: number,
): Promise<number> {
  const valid = trx.updateTable("client_keys").set({ revoked_at: nowMs }).where("revoked_at", "is", null);
  if (hashes === "all") return Number((await valid.executeTakeFirst()).numUpdatedRows);
  let count = 0;
  for (const hash of hashes)
    count += Number((await valid.where("hash", "=", hash).executeTakeFirst()).numUpdatedRows);
  return count;
}

async function validHints(trx: Trx, client: string): Promise<string[]> {
  const rows = await trx
    .selectFrom("client_keys")
    .select("hint")
    .where("client", "=", client)
    .where("revoked_at", "is", null)
    .orderBy("made_at")
    .orderBy("hash")
    .execute();
  return rows.map(({ hint }) => hint);
}

function refuseUnknown(client: string, names: readonly string[]): void {
  if (names.includes(client)) return;
  const advice =
    names.length === 0 ? `Add it: gateway: { clients: [{ name: ${client} }] }` : didYouMean(client, names);
  throw keysError("unknown_client", `gateway.clients in afk.yaml has no ${client}. ${advice}`, EXIT.usage);
}

function nothingRevoked(
  client: string,
  which: "all" | "only" | { hint: string },
  valid: readonly string[],
  { gateway }: Pick<Config, "gateway">,
): AfkError {
  const isStated = gateway.clients.some(({ name, key }) => name === client && key !== null);
  const stated = isStated ? "; the one in afk.yaml ends when it is taken out there" : "";
  const end = typeof which === "object" ? ` that ends in ${which.hint}` : "";
  const others = valid.length > 0 ? `; there are ${valid.join(", ")}` : "";
  return keysError("no_key", `${client} has no valid key${end} of \`afk key make\`${others}${stated}`);
}

function keysError(code: string, message: string, exitCode: number = EXIT.failed): AfkError {
  return new AfkError(code, message, { retry: "never", exitCode });
}
