import type { Level } from "../lib/log.ts";
import type { LogLine } from "./line.ts";
import { describeLine } from "./people.ts";
import type { LogEntry } from "./read.ts";

/** One thing that happened, with what happened in the course of it. Instants in epoch milliseconds. */
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

export interface Trace {
  root: TraceNode;
  /** Lines of the tick that were left out. */
  omitted: number;
}

/** A tick runs at most a thousand jobs; a tree of more lines than this is read as lines. */
const LINES_MAX = 5_000;

/** The lines of one tick, oldest first, as a tree: the tick, its jobs, their calls, and what followed. Null for none. */
export function traceOf(tick: string, entries: Iterable<LogEntry>): Trace | null {
  let omitted = 0;
  let count = 0;
  let tree: Tree | null = null;
  for (const { line } of entries) {
    tree ??= plant(tick, line);
    if (count < LINES_MAX) grow(tree, line);
    else omitted += 1;
    count += 1;
  }
  if (tree === null) return null;
  for (const { node } of tree.jobs.values())
    node.details ||= "no end on record: its process died or works still";
  if (tree.after.children.length > 0) tree.root.children.push(tree.after);
  sumCosts(tree.root);
  return { root: tree.root, omitted };
}

interface Tree {
  root: TraceNode;
  /** What the tick did once it was finished. */
  after: TraceNode;
  hasEnded: boolean;
  /** Jobs that are under way, by key. */
  jobs: Map<string, { node: TraceNode; name: string }>;
}

function plant(tick: string, line: LogLine): Tree {
  const startMs = Date.parse(line.ts);
  const empty = { level: "info" as const, details: "", startMs, durationMs: null, costMicros: null };
  return {
    root: {
      ...empty,
      words: `tick ${tick}`,
      details: "no end on record: its process died or works still",
      children: [],
    },
    after: { ...empty, words: "what followed", children: [] },
    hasEnded: false,
    jobs: new Map(),
  };
}

function grow(tree: Tree, line: LogLine): void {
  const job = typeof line.job === "string" ? line.job : null;
  switch (line.event) {
    case "tick_started":
      return;
    case "tick_finished":
      finishTick(tree, line);
      return;
    case "job_started":
      startJob(tree, line, job ?? "");
      return;
    case "job_done":
    case "job_failed":
      finishJob(tree, line, job ?? "");
      return;
    default: {
      const parent =
        (job === null ? undefined : tree.jobs.get(job)?.node) ?? (tree.hasEnded ? tree.after : tree.root);
      parent.children.push(leafOf(line));
    }
  }
}

function finishTick(tree: Tree, line: LogLine): void {
  const { costMicros: _cost, durationMs: _duration, ...rest } = line;
  const { details } = describeLine(rest as LogLine);
  tree.hasEnded = true;
  tree.root.level = line.level;
  tree.root.details = details;
  tree.root.durationMs = Date.parse(line.ts) - tree.root.startMs;
  // The tick's own sum counts calls of unknown cost at what was reserved for them.
  tree.root.costMicros = typeof line.costMicros === "number" ? line.costMicros : null;
}

function startJob(tree: Tree, line: LogLine, key: string): void {
  const name = typeof line.name === "string" ? line.name : "";
  const attempt = typeof line.attempt === "number" && line.attempt > 1 ? `, attempt ${line.attempt}` : "";
  const node: TraceNode = { ...leafOf(line), words: `job ${key}${attempt}`, details: "", durationMs: null };
  tree.root.children.push(node);
  tree.jobs.set(key, { node, name });
}

function finishJob(tree: Tree, line: LogLine, key: string): void {
  const open = tree.jobs.get(key);
  tree.jobs.delete(key);
  if (open === undefined) {
    tree.root.children.push(leafOf(line));
    return;
  }
  const { node } = open;
  // The key names the job; its name again would only take room.
  const { name: _name, ...rest } = line;
  node.details = `${line.event === "job_done" ? "done" : "failed"}: ${describeLine({ ...rest } as LogLine).details}`;
  node.level = line.level;
  node.durationMs = Date.parse(line.ts) - node.startMs;
}

function leafOf(line: LogLine): TraceNode {
  const { costMicros, durationMs, ...rest } = line;
  const { words, details } = describeLine(rest as LogLine);
  const step = typeof line.step === "string" ? `${line.step}${details === "" ? "" : ", "}` : "";
  return {
    level: line.level,
    words,
    details: step + details,
    startMs: Date.parse(line.ts),
    durationMs: typeof durationMs === "number" ? durationMs : null,
    costMicros: typeof costMicros === "number" ? costMicros : null,
    children: [],
  };
}

function sumCosts(node: TraceNode): number | null {
  const costs = node.children.map(sumCosts).filter((cost) => cost !== null);
  node.costMicros ??= costs.length === 0 ? null : costs.reduce((sum, cost) => sum + cost, 0);
  return node.costMicros;
}
