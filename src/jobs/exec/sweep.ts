import { systemClock } from "../../lib/clock.ts";
import { isMarked, type Marks } from "./marks.ts";
import { listProcesses, type Process } from "./processes.ts";

export interface Swept {
  /** Processes that were found, and told to end. */
  found: number;
  /** Those that could not be killed: another user's, or stuck in the kernel. */
  left: number;
}

/** What is asked to end has this long to do so; with the rest it stays below the second that an aborted job has. */
const GRACE_MS = 500;
/** What cannot be killed in this time cannot be killed by us. */
const KILL_MS_MAX = 5_000;
const FREEZE_ROUNDS_MAX = 50;
const PAUSE_MS = 10;

/**
 * Ends every process that carries the marks, descends from one of `roots`, or is in the session of one, whatever
 * group or session it has moved to since; never the process that calls. SIGTERM first, SIGKILL after a grace. Takes some
 * milliseconds when nothing is there, and about 6 s at the most.
 */
export async function sweep(marks: Marks, roots: readonly number[]): Promise<Swept> {
  const hunt: Hunt = { marks, roots: new Set(roots), known: new Map(), skip: new Set([process.pid]) };
  // 1. Ask. A stopped process could not answer.
  const asked = look(hunt).found;
  for (const signal of ["SIGTERM", "SIGCONT"] as const) tell(hunt, asked, signal);
  const graceEndMs = systemClock.uptimeMs() + GRACE_MS;
  while (systemClock.uptimeMs() < graceEndMs && !(await isEmpty(hunt))) await systemClock.sleep(PAUSE_MS);
  // 2. Kill, until nobody is there any more.
  const killEndMs = systemClock.uptimeMs() + KILL_MS_MAX;
  while (systemClock.uptimeMs() < killEndMs && !(await isEmpty(hunt))) tell(hunt, freeze(hunt), "SIGKILL");
  return { found: hunt.known.size, left: look(hunt).found.length };
}

interface Hunt {
  marks: Marks;
  roots: ReadonlySet<number>;
  /** Start of each process that was found, by pid: it stays found when its parent is gone. */
  known: Map<number, string>;
  /** Strangers, which cannot become ours: a look at the rest is quick enough for what forks and ends all the time. */
  skip: Set<number>;
}

/** Two looks in a row that miss nothing and find nothing. */
async function isEmpty(hunt: Hunt): Promise<boolean> {
  if (isSomebodyThere(look(hunt))) return false;
  await systemClock.sleep(PAUSE_MS);
  return !isSomebodyThere(look(hunt));
}

/** One that had ended before it was looked at may have been ours, and have forked. */
function isSomebodyThere({ found, ended }: Look): boolean {
  return found.length + ended.length > 0;
}

/** Stops all of them first: a stopped process neither forks nor ends, so that its children keep their parent. */
function freeze(hunt: Hunt): Process[] {
  let { found, ended } = look(hunt);
  for (let round = 0; round < FREEZE_ROUNDS_MAX; round++) {
    const running = found.filter(({ isStopped }) => !isStopped);
    if (running.length === 0 && ended.length === 0) break;
    tell(hunt, running, "SIGSTOP");
    ({ found, ended } = look(hunt));
  }
  return found;
}

interface Look {
  found: Process[];
  ended: number[];
}

function look({ marks, roots, known, skip }: Hunt): Look {
  const { processes, ended } = listProcesses(skip, (pid) => isMarked(pid, marks));
  const found = new Set(processes.filter((each) => each.isMarked || known.get(each.pid) === each.started));
  // From these and the roots downward, generation by generation.
  const ids = new Set([...roots, ...[...found].map(({ pid }) => pid)]);
  for (let before = -1; before !== found.size; ) {
    before = found.size;
    for (const each of processes) {
      if (found.has(each) || !(ids.has(each.pid) || ids.has(each.parent) || ids.has(each.session))) continue;
      found.add(each);
      ids.add(each.pid);
    }
  }
  for (const { pid, started } of found) known.set(pid, started);
  for (const each of processes) if (!found.has(each)) skip.add(each.pid);
  for (const pid of ended) skip.add(pid);
  return { found: [...found], ended };
}

/** To the groups too, since the system reaches all members of a group at once, those being forked included. */
function tell(hunt: Hunt, found: readonly Process[], signal: NodeJS.Signals): void {
  const owns = (group: number) => group !== process.pid && (hunt.roots.has(group) || hunt.known.has(group));
  const groups = new Set(found.map(({ group }) => group).filter(owns));
  for (const group of groups) kill(-group, signal);
  for (const { pid } of found) kill(pid, signal);
}

/** What has ended meanwhile is as it should be; what may not be told to end is counted at the end of the sweep. */
function kill(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}
