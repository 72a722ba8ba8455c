import { sql } from "kysely";
import { formatDuration } from "../../lib/duration-text.ts";
import { MINUTE_MS } from "../../lib/durations.ts";
import { plural } from "../../lib/text.ts";
import { databaseNowMs } from "../../store/now.ts";
import type { Db } from "../../store/schema.ts";
import { bad, type Finding, type Found, ok, skipped, type WithStore, warn } from "./check.ts";
import { standbys } from "./standbys.ts";

/**
 * What a fleet's database promises, as far as an ordinary role can see it; nothing where there is none. All of it is asked in the
 * transaction of whoever looks, which a statement that fails would end: so nothing is asked that this role may not.
 */
export async function database({ config, store: { db }, clock }: WithStore): Promise<Found> {
  if (config.database === null) return [];
  const { schema } = config.database;
  const server = await readServer(db);
  const named = (name: string, found: Finding): Finding => ({ name, ...found });
  const found = [judgeVersion(server.number, server.version)];
  if (server.isStandby) found.push(bad(ONLY_READS, "name the primary in DATABASE_URL, or wait for it"));
  return [
    ...found,
    ...durability(server).map((each) => named("durability", each)),
    // Who follows a standby says nothing of its primary.
    ...(server.isStandby ? [] : [named("failover", await standbys(db))]),
    ...(await unconfirmed(db, server.isStandby)).map((each) => named("failover seen", each)),
    named("text columns", await collation(db, schema)),
    ...(await openTransactions(db)).map((each) => named("open transactions", each)),
    named("database clock", judgeClock(clock.nowMs() - (await databaseNowMs(db)))),
    named("database size", await size(db, schema)),
  ];
}

const ONLY_READS =
  "it only reads (a standby, or in recovery): no call can be reserved, and no model is called";

interface Server {
  number: number;
  version: string;
  isStandby: boolean;
  /** As this role has it. */
  commit: string;
  fsync: string;
  pages: string;
}

async function readServer(db: Db): Promise<Server> {
  const { rows } = await sql<Server>`
    select current_setting('server_version_num')::integer as number,
      current_setting('server_version') as version, pg_is_in_recovery() as "isStandby",
      current_setting('synchronous_commit') as commit, current_setting('fsync') as fsync,
      current_setting('full_page_writes') as pages`.execute(db);
  return one(rows);
}

const OLDEST = 13;
const TESTED = 15;

/** By `server_version_num`: 150018 is 15.18. */
export function judgeVersion(number: number, text: string): Finding {
  const found = `PostgreSQL ${text.split(" ")[0]}`;
  const major = Math.floor(number / 10_000);
  if (major < OLDEST) return bad(`${found} is too old`, `upgrade the server: ${TESTED} or newer`);
  if (major < TESTED) return warn(`${found} is older than what afk is tested with`, `${TESTED} or newer`);
  return ok(found);
}

/** Whether what a commit has acknowledged is on the server's disk, and stays readable there. */
function durability({ commit, fsync, pages }: Server): Finding[] {
  const findings: Finding[] = [];
  if (commit === "off")
    findings.push(
      bad(
        "synchronous_commit is off: a crash forgets what was acknowledged, so afk refuses to call anything",
        "synchronous_commit = on, for the server and for this role",
      ),
    );
  if (fsync !== "on")
    findings.push(
      bad(
        "fsync is off: a crash of the host may damage or forget anything, reservations too",
        "fsync = on in postgresql.conf, and a reload; then initdb -S on the stopped server",
      ),
    );
  if (pages !== "on")
    findings.push(
      bad(
        "full_page_writes is off: a crash of the host may leave pages that are half written",
        "full_page_writes = on in postgresql.conf, and a reload",
      ),
    );
  if (findings.length > 0) return findings;
  return [ok(`a commit is on this server's disk before it is acknowledged (synchronous_commit ${commit})`)];
}

const CONFIRM = "afk machines, afk ledger list --since 1h beside the provider's list; then afk resume";

/** What was found wrong with the database as a whole and nobody has confirmed, and what the next section would find. */
async function unconfirmed(db: Db, isStandby: boolean): Promise<Finding[]> {
  const events = await db
    .selectFrom("database_events")
    .select("reason")
    .where("confirmed_at", "is", null)
    .orderBy("generation")
    .execute();
  if (events.length > 0) return events.map(({ reason }) => bad(reason, CONFIRM));
  if (isStandby) return [];
  const allowed = await sql<{ isAllowed: boolean }>`
    select has_function_privilege('pg_control_system()', 'execute')
      and has_function_privilege('pg_current_wal_lsn()', 'execute')
      and has_function_privilege('pg_walfile_name(pg_lsn)', 'execute') as "isAllowed"`.execute(db);
  if (!one(allowed.rows).isAllowed)
    return [bad("this role may not ask which server this is, and afk calls nothing without", GRANT)];
  const { rows } = await sql<{ system: string; timeline: string }>`
    select system_identifier::text as system, left(pg_walfile_name(pg_current_wal_lsn()), 8) as timeline
    from pg_control_system()`.execute(db);
  const gate = await db.selectFrom("gate").select(["system_id", "timeline"]).executeTakeFirst();
  const found = one(rows);
  if (gate === undefined) return [bad("the gate's row is missing", "restore a backup")];
  if (gate.system_id === "" || (gate.system_id === found.system && gate.timeline === found.timeline))
    return [ok("none that waits for a person")];
  const text = `another server or timeline than before (${found.system} ${found.timeline}, was ${gate.system_id} ${gate.timeline}): the next tick sets the kill switch`;
  return [bad(text, CONFIRM)];
}

const GRANT =
  "grant execute on function pg_control_system(), pg_current_wal_lsn(), pg_walfile_name(pg_lsn) to it";

const SHOWN_MAX = 3;

/** Keys, cursors and limits of names compare by bytes, on SQLite as here; the rules of a language would sort them otherwise. */
async function collation(db: Db, schema: string): Promise<Finding> {
  const { rows } = await sql<{ table: string; column: string; collation: string; type: string; is: boolean }>`
    select c.relname::text as table, a.attname::text as column, l.collname::text as collation,
      format_type(a.atttypid, a.atttypmod) as type,
      l.collname = 'C' and l.collnamespace = 'pg_catalog'::regnamespace as is
    from pg_attribute a
      join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
      join pg_collation l on l.oid = a.attcollation
    where n.nspname = ${schema} and c.relkind in ('r', 'p') and a.attnum > 0 and not a.attisdropped
      and c.relname not in ('kysely_migration', 'kysely_migration_lock')
    order by 1, 2`.execute(db);
  const wrong = rows.filter(({ is }) => !is);
  const [first] = wrong;
  if (first === undefined) return ok(`all ${rows.length} compare by bytes (COLLATE "C")`);
  const shown = wrong.slice(0, SHOWN_MAX).map((each) => `${each.table}.${each.column} (${each.collation})`);
  const more = wrong.length > SHOWN_MAX ? ` and ${wrong.length - SHOWN_MAX} more` : "";
  return bad(
    `not by bytes, so keys may be found twice or not at all: ${shown.join(", ")}${more}`,
    `with all machines stopped: alter table "${schema}"."${first.table}" alter column "${first.column}" type ${first.type} collate "C"${wrong.length > 1 ? "; so each of them" : ""}`,
  );
}

/** While one is open, no dead version of a row that came after it can be removed: the gate gets slower with each call. */
const OPEN_SECONDS_MAX = 300;
const OPEN_AGE_MAX = 10_000;

interface OpenTransaction {
  pid: number | null;
  who: string | null;
  /** Null where this role may not see it. */
  seconds: number | null;
  /** How many transactions have begun since. */
  age: number;
}

async function openTransactions(db: Db): Promise<Finding[]> {
  const { rows } = await sql<OpenTransaction>`
    select pid, usename::text as who,
      floor(extract(epoch from clock_timestamp() - xact_start))::integer as seconds,
      greatest(age(backend_xmin), age(backend_xid)) as age
    from pg_stat_activity
    where datname = current_database() and usesysid is not null and pid <> pg_backend_pid()
      and (backend_xmin is not null or backend_xid is not null)
    union all
    select null, owner::text, floor(extract(epoch from clock_timestamp() - prepared))::integer, age(transaction)
    from pg_prepared_xacts where database = current_database()
    order by age desc`.execute(db);
  const isLong = ({ seconds, age }: OpenTransaction) =>
    (seconds ?? 0) > OPEN_SECONDS_MAX || age > OPEN_AGE_MAX;
  const long = rows.filter(isLong);
  if (long.length > 0) return long.slice(0, SHOWN_MAX).map(tellOpen);
  const unseen = rows.filter(({ seconds }) => seconds === null).length;
  if (unseen > 0)
    return [skipped(`${plural(unseen, "transaction")} of other roles: since when is not shown to this one`)];
  return [ok("none has been open for long")];
}

function tellOpen({ pid, who, seconds, age }: OpenTransaction): Finding {
  const since = seconds === null ? "since when is not shown to this role" : formatDuration(seconds * 1_000);
  const what = pid === null ? "a prepared transaction" : `process ${pid} of the server`;
  const found = `${what}, of ${who ?? "somebody"}, has one open (${since}; ${age} transactions began since): every call gets slower while it is`;
  return warn(
    found,
    pid === null
      ? "select gid from pg_prepared_xacts; rollback prepared 'GID'"
      : `select pg_terminate_backend(${pid}); and set idle_in_transaction_session_timeout for that role`,
  );
}

/** How far the clock of this machine is ahead of the database's. */
function judgeClock(aheadMs: number): Finding {
  if (Math.abs(aheadMs) <= MINUTE_MS) return ok("agrees with this machine's");
  const found = `this machine is ${formatDuration(Math.abs(aheadMs))} ${aheadMs > 0 ? "ahead of" : "behind"} the database`;
  return warn(
    `${found}: work goes by the database's time, logs by this machine's`,
    "sudo timedatectl set-ntp true, on the one that is wrong",
  );
}

async function size(db: Db, schema: string): Promise<Finding> {
  const { rows } = await sql<{ bytes: string | number }>`
    select coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint as bytes
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = ${schema} and c.relkind in ('r', 'p', 'm')`.execute(db);
  const mib = Math.ceil(Number(one(rows).bytes) / 1024 / 1024);
  return ok(`${mib} MiB in schema ${schema}`);
}

function one<Row>(rows: readonly Row[]): Row {
  const [row] = rows;
  if (row === undefined) throw new Error("the database gave no answer");
  return row;
}
