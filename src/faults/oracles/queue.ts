import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Report } from "./invariant.ts";
import type { Reader } from "./reader.ts";

interface Job {
  rowid: number;
  id: string;
  key: string;
  state: "ready" | "running" | "done" | "dead";
  updatedMs: number;
}

interface Output {
  rowid: number;
  name: string;
  content: string;
  state: "pending" | "published";
  job_name: string;
}

/** Titles of the simulated sources. */
const ITEM = /^## .*?(Item s\d+n\d+)\b/gm;

/** The alert of the first run of a job that died of this cause; those after it are counted with it. */
const TOLD = `select 1 from dead_letters, alerts where job_id = ?
  and alerts.key > 'job_dead:' || name || ':' || cause || ':' and alerts.key < 'job_dead:' || name || ':' || cause || ';'`;

/** Jobs and what they made: nothing lost, nothing twice. */
export interface QueueCheck {
  /** A person had a dead job tried again, or dropped it. */
  handled(key: string): void;
  /** `isAtRest`: a tick has ended in good order, so that nothing may be under way. */
  check(reader: Reader, report: Report, how: { isAtRest: boolean; oldMs: number }): void;
  /** How often each item stands in the digests of a job; the keys are the job's name and the item. */
  told: ReadonlyMap<string, number>;
}

export function createQueueCheck(outDir: string): QueueCheck {
  const jobs = new Map<string, Job>();
  const unfinished = new Set<string>();
  const handled = new Set<string>();
  const told = new Map<string, number>();
  let lastJob = 0;
  let lastOutput = 0;

  function checkJobs(reader: Reader, report: Report, isAtRest: boolean, oldMs: number): void {
    const columns = "rowid, id, key, state, updated_at as updatedMs";
    for (const id of unfinished) {
      const row = reader.one<Job>(`select ${columns} from jobs where id = ?`, id);
      if (row !== undefined) note(reader, row, report);
    }
    for (const row of reader.all<Job>(
      `select ${columns} from jobs where rowid > ? order by rowid`,
      lastJob,
    )) {
      lastJob = row.rowid;
      note(reader, row, report);
    }
    const { count } = reader.one<{ count: number }>("select count(*) as count from jobs") ?? { count: 0 };
    if (count !== jobs.size) forget(reader, oldMs, report);
    const running = reader.one<{ key: string }>("select key from jobs where state = 'running'");
    if (isAtRest && running !== undefined)
      report("once", `job ${running.key} is left running by a tick that has ended`);
    const lost = reader.one<{ key: string }>(
      "select key from jobs where state = 'dead' and id not in (select job_id from dead_letters)",
    );
    if (lost !== undefined && !handled.has(lost.key))
      report("once", `job ${lost.key} is dead without a dead letter`);
  }

  /** Only what is over, and old by its own date, may leave the queue. */
  function forget(reader: Reader, oldMs: number, report: Report): void {
    const there = new Set(reader.all<{ id: string }>("select id from jobs").map(({ id }) => id));
    for (const [id, { key, state, updatedMs }] of jobs) {
      if (there.has(id)) continue;
      if ((state !== "done" && state !== "dead") || updatedMs >= oldMs)
        report("once", `job ${key} was accepted and has vanished`);
      jobs.delete(id);
      unfinished.delete(id);
    }
  }

  function note(reader: Reader, row: Job, report: Report): void {
    const isNewlyDead = row.state === "dead" && jobs.get(row.id)?.state !== "dead";
    if (isNewlyDead && reader.one(TOLD, row.id) === undefined)
      report("alerts", `job ${row.key} died, and no alert on disk says so`);
    jobs.set(row.id, row);
    if (row.state === "done") unfinished.delete(row.id);
    else unfinished.add(row.id);
  }

  function checkOutputs(reader: Reader, report: Report, isAtRest: boolean): void {
    const rows = reader.all<Output>(
      `select outputs.rowid, outputs.name, content, outputs.state, jobs.name as job_name
       from outputs join jobs on jobs.id = outputs.job_id where outputs.rowid > ? order by outputs.rowid`,
      lastOutput,
    );
    for (const row of rows) {
      if (row.state === "pending") {
        if (isAtRest) report("once", `${row.name} was not published by the tick that made it`);
        return;
      }
      lastOutput = row.rowid;
      const path = join(outDir, row.name);
      if (!existsSync(path) || readFileSync(path, "utf8") !== row.content)
        report("once", `out/${row.name} is not the file that its job wrote`);
      if (row.name.endsWith(".md")) countItems(row, report);
    }
  }

  function countItems({ name, content, job_name }: Output, report: Report): void {
    for (const [, item = ""] of content.matchAll(ITEM)) {
      const key = `${job_name} ${item}`;
      const count = (told.get(key) ?? 0) + 1;
      told.set(key, count);
      if (count > 1) report("once", `${item} is in ${name}, and was in an earlier digest of ${job_name}`);
    }
  }

  return {
    told,
    handled: (key) => void handled.add(key),
    check(reader, report, { isAtRest, oldMs }) {
      checkJobs(reader, report, isAtRest, oldMs);
      checkOutputs(reader, report, isAtRest);
    },
  };
}
