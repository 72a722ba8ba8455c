import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Report } from "./invariant.ts";
import type { Reader } from "./reader.ts";
import { watchRows } from "./rows.ts";

interface Job {
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
const ITEM = /^##+ .*?(Item s\d+n\d+)\b/gm;

/** The alert of the first run of a job that died of this cause; those after it are counted with it. */
const ALERT_OF_DEAD = `select 1 from dead_letters, alerts where job_id = ?
  and alerts.event in ('job_dead', 'expectation_missed')
  and alerts.key > alerts.event || ':' || name || ':' || cause || ':' and alerts.key < alerts.event || ':' || name || ':' || cause || ';'`;

/** Jobs and what they made: nothing lost, nothing twice. Outputs are files in `outDir`. */
export function createQueueCheck(outDir: string, report: Report) {
  const handled = new Set<string>();
  /** Jobs' names with the items that their digests have had. */
  const written = new Set<string>();
  const observe = watchRows<Job>("select id, key, state, updated_at as updatedMs from jobs");
  let lastOutput = 0;

  function checkJobs(reader: Reader, isAtRest: boolean, oldMs: number): void {
    const { rows, added, changed, gone } = observe(reader);
    const turned = changed.filter(({ before, now }) => before.state !== now.state).map(({ now }) => now);
    for (const { id, key, state } of [...added, ...turned]) {
      if (state === "dead" && reader.one(ALERT_OF_DEAD, id) === undefined)
        report("alerts", `job ${key} died, and no alert on disk says so`);
    }
    // Only what is over, and old by its own date, may leave the queue.
    for (const { key, state, updatedMs } of gone) {
      if ((state !== "done" && state !== "dead") || updatedMs >= oldMs)
        report("once", `job ${key} was accepted and has vanished`);
    }
    const running = [...rows.values()].find(({ state }) => state === "running");
    if (isAtRest && running !== undefined)
      report("once", `job ${running.key} is left running by a tick that has ended`);
    const lost = reader.one<{ key: string }>(
      "select key from jobs where state = 'dead' and id not in (select job_id from dead_letters)",
    );
    if (lost !== undefined && !handled.has(lost.key))
      report("once", `job ${lost.key} is dead without a dead letter`);
  }

  function checkOutputs(reader: Reader, isAtRest: boolean): void {
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
      if (row.name.endsWith(".md")) checkItems(row);
    }
  }

  function checkItems({ name, content, job_name }: Output): void {
    for (const [, item = ""] of content.matchAll(ITEM)) {
      const key = `${job_name} ${item}`;
      if (written.has(key))
        report("once", `${item} is in ${name}, and was in an earlier digest of ${job_name}`);
      written.add(key);
    }
  }

  return {
    /** A person had a dead job tried again, or dropped it. */
    handled: (key: string) => void handled.add(key),
    /** `isAtRest`: a tick has ended in good order, so that nothing may be under way. */
    check(reader: Reader, { isAtRest, oldMs }: { isAtRest: boolean; oldMs: number }) {
      checkJobs(reader, isAtRest, oldMs);
      checkOutputs(reader, isAtRest);
    },
  };
}
