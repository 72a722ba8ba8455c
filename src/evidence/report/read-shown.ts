import type { AlertEvent } from "../../alerts/events.ts";
import type { Config } from "../../config/config.ts";
import { configHash } from "../../config/hash.ts";
import type { Db } from "../../store/schema.ts";
import { listDrills } from "../drills.ts";
import { count } from "./words.ts";

/** One thing that afk promises, and what of it this deployment's own records show. */
export interface Shown {
  what: string;
  /** `shown`: a drill of this version and configuration, or a record. `earlier`: a drill of another. */
  state: "shown" | "earlier" | "failed" | "not yet";
  /** What it rests on, in words. */
  proof: string;
  /** Epoch milliseconds of the latest; null where there is none. */
  atMs: number | null;
  /** A command that shows it, now. */
  command: string;
}

/** A drill that there is. */
interface KnownDrill {
  name: string;
  promise: string;
}

interface ShownSources {
  db: Db;
  config: Config;
  version: string;
  drills: readonly KnownDrill[];
}

/** More than a deployment has in years of daily drills. */
const DRILLS_READ_MAX = 10_000;

/** What this deployment has shown: each drill, then what happened in earnest. */
export async function readShown(sources: ShownSources): Promise<Shown[]> {
  return [...(await ofDrills(sources)), ...(await ofRecords(sources.db))];
}

async function ofDrills({ db, config, version, drills }: ShownSources): Promise<Shown[]> {
  const rows = await listDrills(db, DRILLS_READ_MAX);
  const hash = configHash(config);
  return drills.map(({ name, promise }) => {
    const own = rows.filter((row) => row.name === name);
    const now = own.find((row) => row.version === version && row.config_hash === hash);
    const latest = now ?? own[0];
    const command = `afk drill ${name}`;
    const what = promise.replace(/\.$/, "");
    if (latest === undefined)
      return { what, state: "not yet", proof: "never fired here", atMs: null, command };
    const proof = `drill ${name}: runs/${latest.file}`;
    const state = latest.passed === 0 ? "failed" : now === undefined ? "earlier" : "shown";
    return { what, state, proof, atMs: latest.finished_at, command };
  });
}

/** What alerts tell of that a safety did in earnest. */
const IN_EARNEST: readonly [AlertEvent, what: string, command: string][] = [
  ["cap_hit", "A cap refused a call of real work", "afk logs --event cap_hit"],
  ["breaker_open", "A breaker opened on a real failure", "afk logs --event breaker_open"],
  ["kill_set", "The kill switch was set", "afk logs --event kill_set"],
  ["job_dead", "A job that could not be done waited for a person", "afk dead list"],
];

async function ofRecords(db: Db): Promise<Shown[]> {
  const shown: Shown[] = [];
  for (const [event, what, command] of IN_EARNEST) {
    const found = db.selectFrom("alerts").where("event", "=", event);
    const row = await found
      .select((eb) => [eb.fn.countAll().as("all"), eb.fn.max("created_at").as("at")])
      .executeTakeFirstOrThrow();
    shown.push(record(what, command, row, "time"));
  }
  const alerts = await db
    .selectFrom("alert_deliveries")
    .select((eb) => [eb.fn.countAll().as("all"), eb.fn.max("updated_at").as("at")])
    .where("state", "=", "sent")
    .executeTakeFirstOrThrow();
  shown.push(record("Alerts reached a channel", "afk alert test", alerts, "alert"));
  const results = await db
    .selectFrom("deliveries")
    .select((eb) => [eb.fn.countAll().as("all"), eb.fn.max("updated_at").as("at")])
    .where("state", "=", "delivered")
    .executeTakeFirstOrThrow();
  shown.push(record("Results reached their receivers", "afk status", results, "result"));
  const drafts = await db
    .selectFrom("drafts")
    .select((eb) => [eb.fn.countAll().as("all"), eb.fn.max("decided_at").as("at")])
    .where("decided_at", "is not", null)
    .executeTakeFirstOrThrow();
  shown.push(record("A person decided what cannot be undone", "afk drafts list", drafts, "draft"));
  const days = await db
    .selectFrom("clock_days")
    .select((eb) => [eb.fn.max("count").as("all")])
    .executeTakeFirstOrThrow();
  shown.push(
    record("It ran unattended", "afk clock", { all: days.all, at: null }, "day in a row", "days in a row"),
  );
  const explained = await db
    .selectFrom("incidents")
    .select((eb) => [eb.fn.countAll().as("all"), eb.fn.max("closed_at").as("at")])
    .where("cause", "is not", null)
    .executeTakeFirstOrThrow();
  shown.push(record("What broke was explained", "afk incidents list --all", explained, "incident"));
  return shown;
}

/** Sums come as text from some engines, and as null from none. */
function record(
  what: string,
  command: string,
  { all, at }: { all: string | number | bigint | null; at: string | number | bigint | null },
  noun: string,
  plural = `${noun}s`,
): Shown {
  const number = Number(all ?? 0);
  const atMs = at === null || number === 0 ? null : Number(at);
  if (number === 0) return { what, state: "not yet", proof: "no record of it", atMs, command };
  return { what, state: "shown", proof: count(number, noun, plural), atMs, command };
}
