import { workerData } from "node:worker_threads";
import { systemClock } from "../../lib/clock.ts";
import { messageOf } from "../../lib/errors.ts";
import { findReplaced } from "../../lib/opened-files.ts";
import { createRedactor } from "../../lib/redact.ts";
import { createLog } from "../../logs/writer.ts";
import { readStopFile } from "../../rails/stop-file.ts";
import { type KillReader, openKillReader } from "../../store/sqlite/read-kill-row.ts";
import { FLAG, followLooks } from "./flags.ts";
import type { WedgeTask } from "./guard.ts";
import { killThisProcess } from "./kill-process.ts";
import { writeWedgeMarker } from "./marker.ts";
import { type Counted, countStep, type Observation } from "./steps.ts";

// The guard's thread; guard.ts starts it. It needs nothing of the main thread but a few shared numbers, and loads
// little, so that it is up soon. Its own event loop does not turn until the work is done.
guard(workerData as WedgeTask);

function guard(task: WedgeTask): void {
  const { flags, limits, paths, logMaxBytes: maxBytes } = task;
  const redact = createRedactor(task.secrets);
  const log = createLog({ dir: paths.logs, clock: systemClock, redact, maxBytes });
  const row = task.isFleet ? watchLooks(task) : watchRow(paths.database);
  let counted: Counted = { liveness: 0, isAtWork: false, silentSteps: 0, killSteps: 0 };
  // The sleep ends early when the work is done.
  while (Atomics.wait(flags, FLAG.isDone, 0, limits.stepMs) === "timed-out") {
    const observed = {
      liveness: Atomics.load(flags, FLAG.liveness),
      isAtWork: Atomics.load(flags, FLAG.isAtWork) === 1,
      ...killOf(task, row),
    };
    const step = countStep(counted, observed, limits);
    counted = step.counted;
    if (step.wedged !== null) killProcess(step.wedged);
  }
  // Before the main thread closes its own: the last connection to be closed tidies up, and this one may not write.
  row.close();
  log.close();

  /** Nothing that goes wrong with the record may stand in the way of the kill. */
  function killProcess(reason: string): void {
    const ids = row.underWay();
    const fields = { ...ids, reason, pid: process.pid };
    try {
      writeWedgeMarker(paths.state, { reason, at: systemClock.nowMs(), ...ids });
      log.event("error", "wedged", fields);
    } catch (error) {
      log.event("error", "wedged", { ...fields, problems: [messageOf(error)] });
    }
    killThisProcess();
  }
}

/** The switch alone is what a gateway outlives: it says why it refuses. */
function killOf(
  { flags, files, paths, outlivesSwitch }: WedgeTask,
  row: ReturnType<typeof watchRow>,
): Pick<Observation, "kill" | "mayStay"> {
  if (Atomics.load(flags, FLAG.isToldToEnd) === 1) return { kill: "it was told to end" };
  const replaced = findReplaced(files);
  if (replaced !== null) return { kill: replaced };
  const kill = readStopFile(paths.stopFile) ?? row.kill();
  if (kill === null) return { kill: null };
  return { kill: `the kill switch was set (${kill.reason})`, mayStay: outlivesSwitch };
}

/** In a fleet: what kill-looks-thread.ts has seen. One that could not look counts the switch as set. */
function watchLooks({ flags, limits }: WedgeTask): ReturnType<typeof watchRow> {
  const looks = followLooks(flags, limits.stepMs);
  return {
    kill() {
      const { isKillSet, isStale } = looks.step();
      if (isKillSet) return { reason: "in the database of the fleet" };
      return isStale ? { reason: "nobody could look whether it is, for 5 s" } : null;
    },
    underWay: () => ({}),
    close: () => undefined,
  };
}

/**
 * The kill switch's row. A database that cannot be read now says nothing new: what was last seen stands, and the STOP
 * file works without it.
 */
function watchRow(path: string) {
  let reader: KillReader | undefined;
  let last: { reason: string } | null = null;
  return {
    kill(): { reason: string } | null {
      try {
        reader ??= openKillReader(path);
        last = reader.killRow();
        return last;
      } catch {
        return last;
      }
    },
    underWay(): ReturnType<KillReader["underWay"]> {
      try {
        return reader?.underWay() ?? {};
      } catch {
        return {};
      }
    },
    close: () => reader?.close(),
  };
}
