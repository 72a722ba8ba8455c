import { sql } from "kysely";
import { channelId } from "../../alerts/channels/registry.ts";
import { ALERTS_MAX, HISTORY_MS, isWanted } from "../../alerts/recipients.ts";
import type { Config } from "../../config/config.ts";
import { formatDuration } from "../../lib/duration-text.ts";
import { DAY_MS } from "../../lib/durations.ts";
import { plural } from "../../lib/text.ts";
import type { Db } from "../../store/schema.ts";
import { lastTests } from "../alert-tests.ts";
import { type Finding, finding } from "./finding.ts";

/** How the messages to one channel or receiver stand. */
interface Backlog {
  /** As people know it; never an address. */
  name: string;
  /** Given up: since it took the last one where it is down, else in the last 24 hours. */
  lost: number;
  /** It has taken nothing, and no test either, since it was given up on. */
  isDown: boolean;
  /** Tried at least twice, or not sent though due, or failed, for longer than the grace. */
  delayed: number;
  /** Since when the oldest of these is due; epoch milliseconds. */
  sinceMs: number | null;
  error: string | null;
}

/** Somebody who was told of what failed long ago has nothing to do now. */
const RECENT_MS = DAY_MS;
/** A message that failed so often is not one that heals at the next try. */
export const TRIES_MIN = 2;

/** Alerts and results that cannot get out: what was given up lately, and what waits though it was tried or is due. */
export async function stuckMessages(
  db: Db,
  config: Pick<Config, "alerts" | "heartbeat" | "jobs" | "paths">,
  nowMs: number,
): Promise<Finding[]> {
  const { graceMs } = config.heartbeat;
  let tests: ReturnType<typeof lastTests> | null = null;
  const testedAt = (channel: string) => {
    // The log is read only where something failed.
    tests ??= lastTests(config.paths.logs, nowMs);
    const test = tests.get(channel);
    return test?.error === null ? test.at : 0;
  };
  const alerts = await readBacklogs(db, "alerts", { nowMs, graceMs, testedAt });
  const results = await readBacklogs(db, "results", { nowMs, graceMs, testedAt: () => 0 });
  const names = await channelNames(db, config.alerts);
  const receivers = new Set(
    config.jobs.flatMap(({ name, deliver }) => deliver.map((each) => `${name} to ${each.name}`)),
  );
  // Whoever took a channel or a receiver out of afk.yaml knows what became of its messages.
  const known = alerts.filter(({ name }) => names.has(name));
  return [
    ...findingsOn(
      "alerts",
      [
        ...known.map((each) => ({ ...each, name: names.get(each.name) ?? each.name })),
        ...(await undecided(db, config.alerts, nowMs - graceMs)),
      ],
      nowMs,
    ),
    ...findingsOn(
      "results",
      results.filter(({ name }) => receivers.has(name)),
      nowMs,
    ),
  ];
}

const FAILED = "afk logs --event delivery_failed";

/**
 * The two kinds of messages: where they are kept, and how people are told of them. A receiver is of one job: another job's of the
 * same name, which may be no more than its type, can be somebody else.
 */
const KINDS = {
  alerts: {
    ...{ from: sql.table("alert_deliveries"), receiver: "channel", lost: "failed", taken: "sent" },
    ...{ one: "alert", look: "afk logs --event alert_failed" },
    ...{ mend: "afk alert test", wait: "afk alert test" },
  },
  results: {
    from: sql`(select deliveries.*, results.name || ' to ' || receiver as whose from deliveries join results
      on results.job_id = deliveries.job_id and results.outcome = deliveries.outcome) as messages`,
    ...{ receiver: "whose", lost: "dead", taken: "delivered" },
    ...{ one: "result", look: FAILED, mend: FAILED, wait: "afk logs --event delivery_delayed" },
  },
} as const;

type Kind = keyof typeof KINDS;

async function readBacklogs(
  db: Db,
  kind: Kind,
  { nowMs, graceMs, testedAt }: { nowMs: number; graceMs: number; testedAt: (name: string) => number },
): Promise<Backlog[]> {
  const { from, receiver, lost, taken } = KINDS[kind];
  const name = sql.ref(receiver);
  const { rows: failed } = await sql<{ name: string; at: number }>`
    select ${name} as name, max(updated_at) as at from ${from}
    where state = ${sql.lit(lost)} group by ${name}`.execute(db);
  const { rows: waiting } = await sql<{ name: string; count: number; due: number }>`
    select ${name} as name, count(*) as count, min(next_at) as due from ${from}
    where state = 'pending' and (attempts >= ${sql.lit(TRIES_MIN)} or next_at < ${nowMs - graceMs}
      or (attempts > 0 and error is not null and updated_at < ${nowMs - graceMs}))
    group by ${name}`.execute(db);
  const backlogs: Backlog[] = [];
  for (const each of new Set([...failed, ...waiting].map((row) => row.name))) {
    const waits = waiting.find((row) => row.name === each);
    const lostAt = Number(failed.find((row) => row.name === each)?.at ?? 0);
    const { rows: last } = await sql<{ at: number | null }>`
      select max(updated_at) as at from ${from} where ${name} = ${each} and state = ${sql.lit(taken)}`.execute(
      db,
    );
    const takenAt = Number(last[0]?.at ?? 0);
    const isDown = lostAt > takenAt && lostAt > testedAt(each);
    const sinceMs = isDown ? takenAt : nowMs - RECENT_MS;
    const { rows: since } = await sql<{ count: number }>`
      select count(*) as count from ${from}
      where ${name} = ${each} and state = ${sql.lit(lost)} and updated_at > ${sinceMs}`.execute(db);
    const { rows: errors } = await sql<{ error: string | null }>`
      select error from ${from} where ${name} = ${each} and state in (${sql.lit(lost)}, 'pending') and error is not null
      order by updated_at desc limit 1`.execute(db);
    backlogs.push({
      name: each,
      isDown,
      lost: Number(since[0]?.count ?? 0),
      delayed: Number(waits?.count ?? 0),
      sinceMs: waits === undefined ? null : Number(waits.due),
      error: errors[0]?.error ?? null,
    });
  }
  return backlogs;
}

/** Alerts of which nobody has written down who gets them: whoever raised them ended before, and none has come after it. */
async function undecided(db: Db, channels: Config["alerts"], beforeMs: number): Promise<Backlog[]> {
  if (channels.length === 0) return [];
  const waiting = await db
    .selectFrom("alerts")
    .select(["event", "severity", "created_at"])
    .where("is_routed", "=", 0)
    .where("created_at", "<", beforeMs)
    .where("created_at", ">=", beforeMs - HISTORY_MS)
    .orderBy("created_at")
    .limit(ALERTS_MAX)
    .execute();
  return channels.flatMap((channel) => {
    const wanted = waiting.filter((alert) => isWanted(channel, alert));
    const [first] = wanted;
    if (first === undefined) return [];
    const sinceMs = first.created_at;
    return [{ name: channel.name, lost: 0, isDown: false, delayed: wanted.length, sinceMs, error: null }];
  });
}

function findingsOn(kind: Kind, backlogs: readonly Backlog[], nowMs: number): Finding[] {
  const { one, look, mend, wait } = KINDS[kind];
  const sum = (list: readonly Backlog[], of: "lost" | "delayed") =>
    list.reduce((total, each) => total + each[of], 0);
  const why = (list: readonly Backlog[]) =>
    list.map(({ name, error }) => (error === null ? name : `${name}: ${error}`)).join("; ");
  const down = backlogs.filter(({ isDown }) => isDown);
  const lost = backlogs.filter(({ isDown, lost: amount }) => !isDown && amount > 0);
  const delayed = backlogs.filter(({ delayed: amount }) => amount > 0);
  const found: Finding[] = [];
  if (down.length > 0) {
    const text = `${plural(sum(down, "lost"), one)} not delivered`;
    found.push(finding(`${kind}_undelivered`, text, mend, why(down)));
  }
  if (lost.length > 0)
    found.push(finding(`${kind}_lost`, `${plural(sum(lost, "lost"), one)} lost`, look, why(lost)));
  if (delayed.length > 0) {
    const waitMs = nowMs - Math.min(...delayed.map(({ sinceMs }) => sinceMs ?? nowMs));
    const since = waitMs > 0 ? `due for ${formatDuration(waitMs)}; ` : "";
    const text = `${plural(sum(delayed, "delayed"), `${one} waits`, `${one}s wait`)} to be sent`;
    found.push(finding(`${kind}_delayed`, text, wait, `${since}${why(delayed)}`));
  }
  return found;
}

/** The channels of afk.yaml, and those that the worker took over last, which may know more than this process: ALERT_WEBHOOK. */
async function channelNames(db: Db, channels: Config["alerts"]): Promise<Map<string, string>> {
  const taken = await db.selectFrom("alert_channels").select(["channel", "name"]).execute();
  return new Map([
    ...channels.map((channel) => [channelId(channel), channel.name] as const),
    ...taken.map(({ channel, name }) => [channel, name] as const),
  ]);
}
