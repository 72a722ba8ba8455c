import { systemClock } from "../../lib/clock.ts";
import { listProcesses, type Process } from "../../lib/processes.ts";
import { hasOtherTags, hasTags, type ProcessTags } from "./process-tags.ts";

/** What came of a sweep. */
export interface Swept {
  /** Processes that were found, and asked to end. */
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

/** Which processes are meant; never the one that sweeps. */
export interface Scope {
  tags: ProcessTags;
  /** What descends from one of these is meant, and what is in the session of one, whatever it has moved to since. */
  roots: readonly number[];
  /** The pid of afk in a container that was started for it: orphans are meant too, unless they carry the tags of another run. */
  tenant?: number | undefined;
  /** Never touched. */
  spared?: readonly number[];
}

/** Sends SIGTERM to all in scope, and waits until nobody is there any more, or a grace is over. */
export async function askToEnd(scope: Scope): Promise<Swept> {
  const search = startSearch(scope);
  await ask(search);
  return { found: search.known.size, left: 0 };
}

/** Kills all in scope at once. Takes some milliseconds when nothing is there, and about 5 s at the most. */
export async function kill(scope: Scope): Promise<Swept> {
  return await killAll(startSearch(scope));
}

/** Asks first and kills then: about 6 s at the most. */
export async function askAndKill(scope: Scope): Promise<Swept> {
  const search = startSearch(scope);
  await ask(search);
  return await killAll(search);
}

async function ask(search: Search): Promise<void> {
  const asked = observe(search).found;
  // A stopped process could not answer.
  for (const signal of ["SIGTERM", "SIGCONT"] as const) signalAll(search, asked, signal);
  const graceEndMs = systemClock.uptimeMs() + GRACE_MS;
  while (systemClock.uptimeMs() < graceEndMs && !(await isEmpty(search))) await systemClock.sleep(PAUSE_MS);
}

async function killAll(search: Search): Promise<Swept> {
  const killEndMs = systemClock.uptimeMs() + KILL_MS_MAX;
  while (systemClock.uptimeMs() < killEndMs && !(await isEmpty(search)))
    signalAll(search, freeze(search), "SIGKILL");
  return { found: search.known.size, left: observe(search).found.length };
}

interface Search extends Scope {
  /** Start of each process that was found, by pid: it stays found when its parent is gone. */
  known: Map<number, string>;
  /** Strangers, which cannot become ours: listing the rest is quick enough for what forks and ends all the time. */
  skip: Set<number>;
}

function startSearch(scope: Scope): Search {
  return { ...scope, known: new Map(), skip: new Set([process.pid, ...(scope.spared ?? [])]) };
}

/** Two listings in a row that miss nothing and find nothing. */
async function isEmpty(search: Search): Promise<boolean> {
  if (isSomebodyThere(search)) return false;
  await systemClock.sleep(PAUSE_MS);
  return !isSomebodyThere(search);
}

/** One that had ended before it was asked may have been ours, and have forked. */
function isSomebodyThere(search: Search): boolean {
  const { found, ended } = observe(search);
  return found.length + ended.length > 0;
}

/** Stops all of them first: a stopped process neither forks nor ends, so that its children keep their parent. */
function freeze(search: Search): Process[] {
  for (let round = 0; ; round++) {
    const { found, ended } = observe(search);
    const running = found.filter(({ isStopped }) => !isStopped);
    if (round === FREEZE_ROUNDS_MAX || running.length + ended.length === 0) return found;
    signalAll(search, running, "SIGSTOP");
  }
}

function observe({ tags, roots, tenant, known, skip }: Search): { found: Process[]; ended: number[] } {
  const { processes, ended } = listProcesses(skip, (pid) => hasTags(pid, tags));
  const isOrphan = ({ pid, parent }: Process) =>
    tenant !== undefined && parent === 1 && pid !== tenant && !hasOtherTags(pid, tags);
  const found = new Set(
    processes.filter((each) => each.hasTags || known.get(each.pid) === each.started || isOrphan(each)),
  );
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
function signalAll(search: Search, found: readonly Process[], signal: NodeJS.Signals): void {
  // Group 1 would be everybody, and group 0 our own.
  const owns = (group: number) =>
    group > 1 && group !== process.pid && (search.roots.includes(group) || search.known.has(group));
  const groups = new Set(found.map(({ group }) => group).filter(owns));
  for (const group of groups) send(-group, signal);
  for (const { pid } of found) send(pid, signal);
}

/** What has ended meanwhile is as it should be; what may not be signalled is counted at the end of the sweep. */
function send(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}
