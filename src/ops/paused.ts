import type { Config } from "../config/config.ts";
import { toIso } from "../lib/clock.ts";
import { BY_FILE, listPauses } from "../queue/pause.ts";
import type { Db } from "../store/schema.ts";

/** A job that is put off. `since` is null where afk.yaml does it and no tick has seen that yet. */
export interface PausedJob {
  job: string;
  /** `afk.yaml`, `keyboard`, or the channel of the phone. */
  by: string;
  reason: string | null;
  since: string | null;
}

/** The jobs of afk.yaml that are paused, in its order; of one that several have paused the oldest pause, but afk.yaml first. */
export async function readPaused(db: Db, { jobs }: Pick<Config, "jobs">): Promise<PausedJob[]> {
  const rows = await listPauses(db);
  return jobs.flatMap(({ name, isPaused }): PausedJob[] => {
    const all = rows.filter(({ job_name }) => job_name === name);
    const byFile = all.find(({ by }) => by === BY_FILE);
    if (isPaused) {
      const since = byFile === undefined ? null : toIso(byFile.paused_at);
      return [{ job: name, by: BY_FILE, reason: null, since }];
    }
    const row = all.find(({ by }) => by !== BY_FILE);
    return row === undefined
      ? []
      : [{ job: name, by: row.by, reason: row.reason, since: toIso(row.paused_at) }];
  });
}

/** What ends a pause. */
export function unpauseWith({ job, by }: PausedJob): string {
  return by === BY_FILE ? `take paused: true of ${job} out of afk.yaml` : `afk unpause ${job}`;
}
