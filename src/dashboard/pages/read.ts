import { AfkError } from "../../lib/errors.ts";
import { showJob } from "../../ops/show-job.ts";
import { idsOfKeys, showTick } from "../../ops/show-tick.ts";
import { listWritten, readWritten } from "../../ops/written.ts";
import type { Site } from "../view.ts";
import { filePage, filesPage } from "./file.ts";
import { jobPage } from "./job.ts";
import { tickPage, traceOfTick } from "./tick.ts";

/** The state cannot be read. */
export interface Unreadable {
  problem: string;
}

const FILES_MAX = 100;

/** The page of a run by its id, its key or the name of its job; null where there is none. */
export async function readJobPage(site: Site, word: string): Promise<string | Unreadable | null> {
  const found = await site.view.look(async (db) => {
    try {
      return await showJob(db, word);
    } catch (error) {
      if (error instanceof AfkError && /^(?:unknown_job|ambiguous)$/.test(error.code)) return null;
      throw error;
    }
  });
  if (found.type === "unreadable") return found;
  return found.value === null ? null : jobPage(found.value, aboutOf(site));
}

/** The page of a tick by its id; null where there is none. */
export async function readTickPage(site: Site, id: string): Promise<string | Unreadable | null> {
  const found = await site.view.look((db) => showTick(db, id));
  if (found.type === "unreadable") return found;
  if (found.value === undefined) return null;
  const about = aboutOf(site);
  const { trace, keys } = traceOfTick(found.value, about.logs, about.times.nowMs);
  const ids = await site.view.look((db) => idsOfKeys(db, keys));
  if (ids.type === "unreadable") return ids;
  return tickPage(found.value, { trace, runs: ids.value }, about);
}

/** The page of a text that a job wrote, by its name in `out/`; of no name, the list of the newest. */
export async function readFilePage(site: Site, name: string): Promise<string | Unreadable | null> {
  const about = aboutOf(site);
  if (name === "") {
    const files = await site.view.look((db) => listWritten(db, FILES_MAX));
    return files.type === "unreadable" ? files : filesPage(files.value, about);
  }
  if (!/\.(?:md|txt)$/.test(name)) return null;
  const found = await site.view.look((db) => readWritten(db, name));
  if (found.type === "unreadable") return found;
  return found.value === undefined ? null : filePage(found.value, about);
}

function aboutOf({ config, clock }: Site) {
  const { agent, timezone, paths } = config;
  return { agent, logs: paths.logs, times: { nowMs: clock.nowMs(), timezone } };
}
