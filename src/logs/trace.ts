import type { Level } from "../lib/log.ts";
import type { LogLine } from "./line.ts";
import { describeLine } from "./people.ts";
import type { LogEntry } from "./read.ts";

/** One thing that happened, with what happened during it. Instants in epoch milliseconds. */
export interface TraceNode {
  level: Level;
  words: string;
  details: string;
  startMs: number;
  /** Null for what has no length, or no end on record. */
  durationMs: number | null;
  /** What it cost, with all below it; null where nothing was charged. Calls of unknown cost are not in it. */
  costMicros: number | null;
  children: TraceNode[];
}

/** A tick as a tree. */
export interface Trace {
  root: TraceNode;
  /** Lines of the tick that were left out. */
  omitted: number;
}

/** A tick runs at most a thousand jobs; a tree of more lines than this is read as lines. */
const LINES_MAX = 5_000;

/** The lines of one tick, oldest first, as a tree: the tick, its jobs, their calls, and what followed. Null for none. */
export function traceOf(tick: string, entries: Iterable<LogEntry>): Trace | null {
  let count = 0;
  let tree: Tree | null = null;
  for (const { line } of entries) {
    tree ??= newTree(tick, Date.parse(line.ts));
    if (count < LINES_MAX) addLine(tree, line);
    count += 1;
  }
  if (tree === null) return null;
  for (const node of tree.jobs.values()) node.details ||= NO_END;
  if (tree.after.children.length > 0) tree.root.children.push(tree.after);
  sumCosts(tree.root);
  return { root: tree.root, omitted: Math.max(0, count - LINES_MAX) };
}

const NO_END = "no end on record: its process died or works still";

interface Tree {
  root: TraceNode;
  /** What the tick did once it was finished. */
  after: TraceNode;
  hasEnded: boolean;
  /** Jobs that are under way, by key. */
  jobs: Map<string, TraceNode>;
}

function newTree(tick: string, startMs: number): Tree {
  const node = (words: string, details: string): TraceNode => {
    return { level: "info", words, details, startMs, durationMs: null, costMicros: null, children: [] };
  };
  const [root, after] = [node(`tick ${tick}`, NO_END), node("what followed", "")];
  return { root, after, hasEnded: false, jobs: new Map() };
}

function addLine(tree: Tree, line: LogLine): void {
  const key = typeof line.job === "string" ? line.job : "";
  const job = tree.jobs.get(key);
  switch (line.event) {
    case "tick_started":
      return;
    case "tick_finished":
      tree.hasEnded = true;
      // The tick's own sum counts calls of unknown cost at what was reserved for them.
      finish(tree.root, line, leafOf(line).costMicros);
      return;
    case "job_started":
      tree.jobs.set(key, startedJob(key, line));
      tree.root.children.push(tree.jobs.get(key) ?? leafOf(line));
      return;
    case "job_done":
    case "job_failed":
      tree.jobs.delete(key);
      if (job === undefined) tree.root.children.push(leafOf(line));
      // The key names the job; its name again would only take room.
      else finish(job, { ...line, name: undefined }, null, line.event === "job_done" ? "done: " : "failed: ");
      return;
    default:
      (job ?? (tree.hasEnded ? tree.after : tree.root)).children.push(leafOf(line));
  }
}

function startedJob(key: string, line: LogLine): TraceNode {
  const attempt = typeof line.attempt === "number" && line.attempt > 1 ? `, attempt ${line.attempt}` : "";
  return { ...leafOf(line), words: `job ${key}${attempt}`, details: "", durationMs: null };
}

function finish(node: TraceNode, line: LogLine, costMicros: number | null, outcome = ""): void {
  node.level = line.level;
  node.details = `${outcome}${leafOf({ ...line, step: undefined }).details}`;
  node.durationMs = Date.parse(line.ts) - node.startMs;
  node.costMicros = costMicros;
}

/** Duration and cost stand beside the words of a node, and not among its details. */
function leafOf(line: LogLine): TraceNode {
  const { costMicros, durationMs, step, level } = line;
  const { words, details } = describeLine({ ...line, costMicros: undefined, durationMs: undefined });
  return {
    level,
    words,
    details: typeof step === "string" ? [step, details].filter((part) => part !== "").join(", ") : details,
    startMs: Date.parse(line.ts),
    durationMs: typeof durationMs === "number" ? durationMs : null,
    costMicros: typeof costMicros === "number" ? costMicros : null,
    children: [],
  };
}

/** Gives each node without a cost of its own the sum of those below it. */
function sumCosts(node: TraceNode): number | null {
  const costs = node.children.map(sumCosts).filter((cost) => cost !== null);
  node.costMicros ??= costs.length === 0 ? null : costs.reduce((sum, cost) => sum + cost, 0);
  return node.costMicros;
}
