import { systemClock } from "../../lib/clock.ts";
import { newId } from "../../lib/ids.ts";
import { findProcess } from "../../lib/processes.ts";
import type { ProcessesTable } from "../../store/schema/queue.ts";
import type { Db } from "../../store/schema.ts";
import type { ContainmentKind } from "./containment.ts";
import type { ProcessTags } from "./process-tags.ts";
import { kill, type Swept } from "./sweep.ts";

/** Where it is written down what a job starts, so that whoever comes after a crash finds it. */
export interface ProcessRecords {
  /** Records the first process of a program, on disk when it resolves. Call what it gives when nothing of the program is left. */
  write(first: { pid: number; kind: ContainmentKind; tags: ProcessTags }): Promise<() => Promise<void>>;
  /** Told whenever a program writes something. */
  onOutput?(): void;
}

/** Records what a runner starts for a job, in the table `processes`. */
export function createRecords(
  db: Db,
  of: { job: string; runner: string; machine: string | null },
): ProcessRecords {
  return {
    async write({ pid, kind, tags }) {
      const id = newId(systemClock.nowMs());
      const row: ProcessesTable = {
        id,
        ...of,
        containment: kind,
        pid,
        // One that has ended already is found by its tags, or not there.
        started: findProcess(pid)?.started ?? "",
        boot_id: systemClock.bootId(),
        cookie: tags.cookie,
        file_size_blocks: tags.fileSizeBlocks,
        created_at: systemClock.nowMs(),
      };
      await db.insertInto("processes").values(row).execute();
      return async () => void (await db.deleteFrom("processes").where("id", "=", id).execute());
    },
  };
}

/** What was left of a program that a job had started, and what came of it. */
export type Ended = Swept & Pick<ProcessesTable, "id" | "job" | "containment">;

const RECORDS_MAX = 100;

/**
 * Kills what is left of programs of other runners, or of a job. What cannot be killed stays on record. In a fleet it looks at the
 * programs of one machine, its own: the numbers of processes on another say nothing here.
 */
export async function endRecorded(
  db: Db,
  of: ({ notOf: string } | { job: string }) & { machine: string | null },
): Promise<Ended[]> {
  const all = db
    .selectFrom("processes")
    .selectAll()
    .where("machine", of.machine === null ? "is" : "=", of.machine)
    .limit(RECORDS_MAX);
  const records = await ("job" in of
    ? all.where("job", "=", of.job)
    : all.where("runner", "!=", of.notOf)
  ).execute();
  const ended: Ended[] = [];
  for (const record of records) {
    const swept = await endOne(record);
    if (swept.left === 0) await db.deleteFrom("processes").where("id", "=", record.id).execute();
    ended.push({ ...record, ...swept });
  }
  return ended;
}

/** Nothing outlives a reboot, and a pid that has another start since is somebody else's. */
async function endOne(record: ProcessesTable): Promise<Swept> {
  const { pid, started, cookie, file_size_blocks: fileSizeBlocks } = record;
  if (record.boot_id !== systemClock.bootId()) return { found: 0, left: 0 };
  const roots = findProcess(pid)?.started === started ? [pid] : [];
  return await kill({ tags: { cookie, fileSizeBlocks }, roots });
}
