import type { Config } from "../config/config.ts";
import { MICROS_PER_USD, usdFromMicros } from "../lib/money.ts";
import type { Db } from "../store/schema.ts";
import { gatewayUrl } from "./gateway-answers.ts";
import type { Worker } from "./worker.ts";

/** The gateway and its clients as the status shows them. */
export interface GatewayStatus {
  /** Whether a process serves it, as its lock says; the gateway of a job's run has none. */
  state: Worker["state"];
  pid: number | null;
  /** By gateway.listen; null where that does not say, and `afk gateway` was told. */
  url: string | null;
  /** Requests of today with a key that is nobody's, or none. */
  unknownKeys: number;
  /** Those that have caps, or have asked today; by what they spent. */
  clients: ClientStatus[];
  /** How many of these are left out. */
  more: number;
}

/** What a client of the gateway did today, by the budget's time. Its caps stand among `Status.spend`. */
export interface ClientStatus {
  name: string;
  /** Guarded calls; released ones are none. */
  calls: number;
  settledUsd: number;
  /** For calls under way, and those of unknown outcome. */
  reservedUsd: number;
  /** To the minute; null where nothing tells it any more. */
  lastCallAt: string | null;
  refused: number;
  /** Answered with what had been bought before. */
  answeredAgain: number;
}

const CLIENTS_MAX = 100;
const SCOPE = "client:";

/** `holder` of its lock; null where there is no gateway: afk.yaml names none, nobody serves it, and nobody has asked today. */
export async function readGatewayStatus(
  db: Db,
  { gateway, budget }: Pick<Config, "gateway" | "budget">,
  { day, holder }: { day: string; holder: Worker },
): Promise<GatewayStatus | null> {
  const asked = await db.selectFrom("gateway_days").selectAll().where("day", "=", day).execute();
  const spent = await db
    .selectFrom("budget_windows")
    .select(["scope", "settled_micros", "reserved_micros", "settled_calls", "reserved_calls"])
    .where("window", "=", "day")
    .where("scope", ">=", SCOPE)
    .where("scope", "<", "client;")
    .where("period", "=", day)
    .execute();
  const capped = gateway.clients.filter(
    ({ name }) => Object.keys(budget.owners.client[name] ?? {}).length > 0,
  );
  const scopes = new Set(
    [
      ...capped.map(({ name }) => SCOPE + name),
      ...spent.map(({ scope }) => scope),
      ...asked.map(({ owner }) => owner),
    ].filter((scope) => scope.startsWith(SCOPE)),
  );
  const isThere = gateway.listen !== null || gateway.clients.length > 0 || holder.state !== "none";
  if (!isThere && scopes.size === 0) return null;
  const clients = [...scopes].map((scope) => {
    const window = spent.find((row) => row.scope === scope);
    const { refused = 0, replayed = 0, joined = 0 } = asked.find(({ owner }) => owner === scope) ?? {};
    return {
      name: scope.slice(SCOPE.length),
      calls: (window?.settled_calls ?? 0) + (window?.reserved_calls ?? 0),
      settledUsd: usdFromMicros(window?.settled_micros ?? 0),
      reservedUsd: usdFromMicros(window?.reserved_micros ?? 0),
      refused,
      answeredAgain: replayed + joined,
    };
  });
  const spend = ({ settledUsd, reservedUsd }: (typeof clients)[number]) =>
    Math.round((settledUsd + reservedUsd) * MICROS_PER_USD);
  clients.sort((a, b) => spend(b) - spend(a) || b.calls - a.calls || (a.name < b.name ? -1 : 1));
  const shown: ClientStatus[] = [];
  for (const client of clients.slice(0, CLIENTS_MAX))
    shown.push({ ...client, lastCallAt: await lastCallOf(db, SCOPE + client.name) });
  return {
    state: holder.state,
    pid: "pid" in holder ? holder.pid : null,
    url: urlOf(gateway),
    unknownKeys: asked.find(({ owner }) => owner === "")?.refused ?? 0,
    clients: shown,
    more: clients.length - shown.length,
  };
}

function urlOf({ listen, tls }: Config["gateway"]): string | null {
  if (listen === null) return null;
  const url = gatewayUrl(listen);
  return tls === null ? url : url.replace(/^http:/, "https:");
}

/** By the hour's counters, which are kept by the minute. */
async function lastCallOf(db: Db, scope: string): Promise<string | null> {
  const { minute } = await db
    .selectFrom("budget_windows")
    .select((eb) => eb.fn.max("period").as("minute"))
    .where("window", "=", "hour")
    .where("scope", "=", scope)
    .executeTakeFirstOrThrow();
  return minute === null ? null : `${minute}:00.000Z`;
}
