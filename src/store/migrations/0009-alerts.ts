import { type Kysely, sql } from "kysely";

/**
 * What an alert is about and which time of that it is become columns, where they were parts of its key; who gets it is
 * decided when it is written.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("alert_channels")
    .addColumn("name", "text", (c) => c.primaryKey())
    .addColumn("channel", "text", (c) => c.notNull())
    .addColumn("events", "text")
    .execute();
  await alerts(db);
  await incidents(db);
}

async function alerts(db: Kysely<unknown>): Promise<void> {
  const table = db.schema.alterTable("alerts");
  for (const column of ["subject", "occurrence"])
    await table.addColumn(column, "text", (c) => c.notNull().defaultTo("")).execute();
  await table
    .addColumn("is_routed", "integer", (c) => c.notNull().defaultTo(0).check(sql`is_routed in (0, 1)`))
    .execute();
  await table.addColumn("kept_from", "bigint", (c) => c.notNull().defaultTo(0)).execute();
  await sql`update alerts set kept_from = created_at`.execute(db);
  const { rows } = await sql<{
    id: string;
    event: string;
    key: string;
  }>`select id, event, key from alerts`.execute(db);
  for (const { id, event, key } of rows) {
    const [subject, occurrence] = split(event, key.slice(event.length + 1));
    await sql`update alerts set subject = ${subject}, occurrence = ${occurrence} where id = ${id}`.execute(
      db,
    );
  }
  await sql`update alerts set is_routed = 1
    where exists (select 1 from alert_deliveries where alert_id = alerts.id)`.execute(db);
  await db.schema.createIndex("alerts_kept").on("alerts").column("kept_from").execute();
  await db.schema.createIndex("alerts_subject").on("alerts").columns(["event", "subject"]).execute();
  await sql`create index alerts_unrouted on alerts (created_at) where is_routed = 0`.execute(db);
}

/** Events that are about one thing only. */
const WITHOUT_SUBJECT =
  `alert_test call_unknown clock_reached config_refused day_attended disk_low draft_pending
  heartbeat_late no_output overrun process_left state_rolled_back tick_failed value_low wedged`.split(/\s+/);
/** Events whose subject is one word, and whose occurrence may have colons. */
const SUBJECT_FIRST = "cap_hit kill_set output_set_aside recovered threshold_cross tick_missed".split(" ");

/** Subject and occurrence of a key without its event. */
function split(event: string, rest: string): [subject: string, occurrence: string] {
  if (WITHOUT_SUBJECT.includes(event)) return ["", rest];
  // Where the subject has colons itself, the occurrence is the last part: an instant, which has some too, or a word.
  const [, subject, occurrence] = (SUBJECT_FIRST.includes(event)
    ? /^([^:]*):(.*)$/s
    : /^(.*?):(\d{4}-\d\d-\d\dT[\d:.]+Z|[^:]*)$/s
  ).exec(rest) ?? [null, "", rest];
  return [subject ?? "", occurrence ?? ""];
}

async function incidents(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable("incidents")
    .addColumn("subject", "text", (c) => c.notNull().defaultTo(""))
    .execute();
  await sql`update incidents set subject = substr(cause_key, length(event) + 2)`.execute(db);
  await db.schema.dropIndex("incidents_lasting").execute();
  await db.schema.alterTable("incidents").dropColumn("cause_key").execute();
  await sql`create unique index incidents_lasting on incidents (event, subject)
    where recovered_at is null and closed_at is null`.execute(db);
}
