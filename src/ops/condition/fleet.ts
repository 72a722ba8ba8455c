import type { Config } from "../../config/config.ts";
import { formatDuration, formatRelative } from "../../lib/duration-text.ts";
import { DAY_MS, MINUTE_MS } from "../../lib/durations.ts";
import { shortId } from "../../lib/ids.ts";
import { asSentence } from "../../lib/text.ts";
import type { Db } from "../../store/schema.ts";
import type { Observation } from "../worker.ts";
import { type Finding, finding } from "./finding.ts";

/** What is lost for longer is known, or was never meant to come back. */
const LOST_MS = DAY_MS;
/** Ten times what clocks differ by that are set over the network. */
const CLOCK_OFF_MS = MINUTE_MS;

/** Machines that are gone, or whose clock is wrong. */
export function machineFindings({ nowMs, machines }: Observation): Finding[] {
  // A machine that runs jobs and serves clients has one clock.
  const told = new Set<string>();
  return machines.flatMap(({ id, part, name, lease, lookedAt, clockOffMs }) => {
    const found: Finding[] = [];
    if (lease.state === "lost" && nowMs - (lease.since ?? nowMs) < LOST_MS) {
      const isWorker = part === "worker";
      const then = isWorker ? "the others do its work" : "its clients get no answer";
      const detail = `${shortId(id)}: its last sign was ${formatRelative(lookedAt, nowMs)}; ${then}`;
      const text = `${isWorker ? "" : "the gateway of "}machine ${name} is lost`;
      found.push(finding("machine_lost", text, "afk machines", detail));
    }
    if (lease.state === "live" && !told.has(id) && Math.abs(clockOffMs) > CLOCK_OFF_MS) {
      told.add(id);
      const off = `${formatDuration(Math.abs(clockOffMs))} ${clockOffMs > 0 ? "ahead of" : "behind"} the database's`;
      const text = `the clock of machine ${name} is wrong`;
      const detail = `${shortId(id)}: ${off}; the fleet goes by the database's`;
      found.push(finding("machine_clock", text, "timedatectl (on that machine)", detail));
    }
    return found;
  });
}

/** What was found wrong with the database as a whole, until a person confirms it. */
export async function databaseFindings(
  db: Db,
  { database }: Pick<Config, "database">,
  nowMs: number,
): Promise<Finding[]> {
  if (database === null) return [];
  const failovers = await db
    .selectFrom("database_events")
    .select(["at", "reason"])
    .where("event", "=", "failover_seen")
    .where("confirmed_at", "is", null)
    .orderBy("generation", "desc")
    .execute();
  const found: Finding[] = [];
  const [latest] = failovers;
  if (latest !== undefined) {
    const detail = `${asSentence(latest.reason)} It was seen ${formatRelative(latest.at, nowMs)}`;
    found.push(finding("failover_seen", "a failover waits for a person to look", "afk resume", detail));
  }
  const gate = await db.selectFrom("gate").select("shift_ms").executeTakeFirst();
  const shiftMs = gate?.shift_ms ?? 0;
  if (shiftMs !== 0) {
    const isAhead = shiftMs < 0;
    const off = `${formatDuration(Math.abs(shiftMs))} ${isAhead ? "ahead of" : "behind"} the agent's time`;
    const detail = `${off}, which goes on as if it had not jumped: no window opens early; if that clock is right now, resume`;
    const mend = `afk resume${isAhead ? "" : " --clock"}`;
    found.push(finding("database_clock", "the database's clock jumped", mend, detail));
  }
  return found;
}
