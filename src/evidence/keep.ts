import { type Cause, recoverIncident } from "../alerts/incidents.ts";
import { messageOf } from "../lib/errors.ts";
import type { StateAccess } from "../ops/alerting.ts";
import type { Trx } from "../store/schema.ts";
import { writeIncidents } from "./incidents/incidents-file.ts";
import { announceDrift } from "./release/drift.ts";
import { writeReleases } from "./release/releases.ts";
import { announceLowValue } from "./report/low-value.ts";
import { keepUnattended } from "./unattended/keep-days.ts";
import { writeRunLog } from "./unattended/run-log.ts";

/** At the beginning of a tick: writes down the days that are over, and reports weeks that brought too little. */
export async function beginEvidence(sources: StateAccess): Promise<void> {
  await orLogged(sources, () => keepUnattended(sources));
  await announceLowValue(sources);
}

/** At the end of a tick: recovers the incidents that it shows to be over, and writes the files for people. */
export async function endEvidence(
  sources: StateAccess,
  tick: { outcome: string; startedAt: number },
): Promise<void> {
  const { config, store, outbox, clock } = sources;
  await orLogged(sources, async () => {
    await store.atomically(async (trx) => {
      await recoverByTick(trx, tick, clock.nowMs());
      await announceDrift(trx, outbox.announce, config);
    });
    const files = { config, db: store.db };
    await writeRunLog(files);
    await writeIncidents(files);
    await writeReleases(files);
  });
}

/** Evidence is not the work: a failure to write it is logged, and the next tick tries again. */
async function orLogged({ log }: StateAccess, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    log.event("error", "records_failed", { error: messageOf(error) });
  }
}

/** What is over once a tick goes through, with work or without. */
const BY_ANY: readonly Cause[] = [
  { event: "tick_failed", subject: "" },
  { event: "state_rolled_back", subject: "" },
  { event: "failover_seen", subject: "database" },
  { event: "disk_low", subject: "" },
  { event: "unit_failed", subject: "afk.service" },
  { event: "unit_failed", subject: "afk-loop.service" },
  // As a crontab calls it.
  { event: "unit_failed", subject: "afk-tick" },
];
/** What is over only once work goes through again. */
const BY_WORK: readonly Cause[] = [
  { event: "wedged", subject: "" },
  { event: "overrun", subject: "" },
];

/**
 * Ends the incidents that a tick which went well shows to be over. One that had a sign since the tick began is not: the
 * tick that announces it proves nothing. Gives how many ended.
 */
export async function recoverByTick(
  trx: Trx,
  tick: { outcome: string; startedAt: number },
  nowMs: number,
): Promise<number> {
  const causes = [
    ...(tick.outcome === "ok" || tick.outcome === "idle" ? BY_ANY : []),
    ...(tick.outcome === "ok" ? BY_WORK : []),
  ];
  let ended = 0;
  for (const cause of causes) if (await recoverIncident(trx, cause, nowMs, tick.startedAt)) ended += 1;
  return ended;
}
