import { sql } from "kysely";
import { plural } from "../../lib/text.ts";
import type { Db } from "../../store/schema.ts";
import { bad, type Finding, ok, skipped, warn } from "./check.ts";

/** What decides which commits a failover can forget. */
export interface Replication {
  /** `synchronous_standby_names`. */
  names: string;
  /** `synchronous_commit`, as this role has it. */
  level: string;
  role: string;
  /** Whoever gets the server's changes; `sync` is null where this role may not see it. */
  standbys: { name: string | null; sync: string | null }[];
}

/** What survives a failover, as far as SQL can tell. */
export async function standbys(db: Db): Promise<Finding> {
  const settings = await sql<Omit<Replication, "standbys">>`
    select current_setting('synchronous_standby_names') as names,
      current_setting('synchronous_commit') as level, current_user::text as role`.execute(db);
  const { rows } = await sql<Replication["standbys"][number]>`
    select application_name as name, sync_state as sync from pg_stat_replication
    order by application_name`.execute(db);
  const [setting] = settings.rows;
  if (setting === undefined) throw new Error("the database does not say how it is set");
  return judgeStandbys({ ...setting, standbys: rows });
}

const FORGETS =
  "a failover may forget reservations that were acknowledged, and the calls made with them; the kill switch is set then, until a person has looked";
const HOW = "docs/fleet.md, What the cap rests on";

/** The same in words. */
export function judgeStandbys({ names, level, role, standbys: all }: Replication): Finding {
  const isNamed = names.trim() !== "";
  if (!isNamed && all.length === 0)
    return ok(
      "no standby follows: nothing fails over, and what the server's disk loses is lost, unless its storage is replicated, which SQL does not tell",
    );
  if (!isNamed)
    return warn(
      `asynchronous: ${theStandbys(all)}, and no commit waits: ${FORGETS}`,
      `name the standby in synchronous_standby_names, and let nothing else be promoted (${HOW})`,
    );
  if (level === "local" || level === "off")
    return warn(
      `asynchronous: synchronous_commit is ${level}, so no commit waits for "${names}": ${FORGETS}`,
      "synchronous_commit = on, for the server and for this role",
    );
  const isSeen = all.every(({ sync }) => sync !== null);
  const waitedFor = all.filter(({ sync }) => sync === "sync" || sync === "quorum");
  const needed = neededBy(names);
  if (all.length < needed || (isSeen && waitedFor.length < needed))
    return bad(
      `synchronous_standby_names is "${names}", and ${isSeen ? waitedFor.length : all.length} of the ${needed} that it waits for ${needed === 1 ? "is" : "are"} connected: no commit returns, and no model is called`,
      `bring the standby back; to go on without, and without what it promised: alter system set synchronous_standby_names = '' (${HOW})`,
    );
  if (!isSeen)
    return skipped(
      `not seen: synchronous_standby_names is "${names}" and ${theStandbys(all)}, but whether synchronously is not shown to ${role} (grant pg_monitor to it, or look as the superuser)`,
    );
  const others = all.length - waitedFor.length;
  const who = `${waitedFor.map(({ name }) => name).join(", ")}${others > 0 ? ` (not to ${plural(others, "other")})` : ""}`;
  if (level === "remote_write")
    return warn(
      `synchronous in memory: a commit waits until ${who} has it, and not for its disk (remote_write): it survives a failover, unless the standby loses power too`,
      "synchronous_commit = on, for the server and for this role",
    );
  return ok(
    `synchronous: what was acknowledged survives a failover to ${who}; that nothing else is promoted SQL does not tell`,
  );
}

function theStandbys(all: Replication["standbys"]): string {
  const known = all.flatMap(({ name }) => name ?? []);
  const which = known.length > 0 ? ` (${known.join(", ")})` : "";
  return `${plural(all.length, "standby", "standbys")}${which} ${all.length === 1 ? "follows" : "follow"}`;
}

/** Of how many it waits: `2 (a, b)`, `FIRST 2 (a, b)`, `ANY 2 (a, b)`; of one in a list alone. */
function neededBy(names: string): number {
  return Number(/^\s*(?:(?:first|any)\s+)?(\d+)\s*\(/i.exec(names)?.[1] ?? 1);
}
