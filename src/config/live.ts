import { hash } from "node:crypto";
import { statSync } from "node:fs";
import { systemClock } from "../lib/clock.ts";
import { messageOf } from "../lib/errors.ts";
import { lowerCaps, type StatedBudget } from "./caps.ts";
import type { BudgetConfig, Config } from "./config.ts";
import { readBounded } from "./environment.ts";
import { ConfigError } from "./errors.ts";

/** A file that was changed a moment ago may be half of what is being written. */
const SETTLE_MS = 1_000;
/** So many times that long a file is waited for that changes all the time. */
const SETTLES_MAX = 5;
const HASHED_BYTES_MAX = 2 * 1024 * 1024;

/** The configuration of an agent at work, whose file a person may edit at any time. */
export interface LiveConfig {
  /** What is in use: what was taken over last, with the caps that hold now. */
  current(): Config;
  /**
   * The caps that hold now. Looks at the file, which takes one `stat` while it is as it was. A file that is refused, or
   * was changed a moment ago, can only lower them.
   */
  caps(): BudgetConfig;
  /** Whether the file has something new for `takeOver`. */
  hasNews(): boolean;
  /** Takes over what the file says, once it has stood still for a moment; a file that was refused is given once. */
  takeOver(signal: AbortSignal): Promise<Refused | null>;
}

/** A changed afk.yaml that is not taken over, and why. */
export interface Refused {
  error: ConfigError;
  /** Of the file's content, or of why it cannot be read. */
  hash: string;
}

/** What following a configuration file needs. */
export interface LiveOptions {
  file: string;
  /** Reads the whole file. Throws ConfigError. */
  read(): Config;
  /** The caps of a file that is refused, as far as they can be read. */
  readCaps(): StatedBudget;
  /** Called when what `current` gives is another. */
  onChange(before: Config, now: Config): void;
}

/** What the file says, where that is not in use. */
type Found =
  | { type: "accepted"; config: Config }
  | { type: "refused"; error: ConfigError; caps: StatedBudget };

/** Throws ConfigError when the file is refused from the start. */
export function openLiveConfig(options: LiveOptions): LiveConfig {
  const { file } = options;
  // Looked at before it is read: what changes in between is then seen as new.
  const start = stateOf(file);
  let content = start.kind === "file" ? contentHash(file) : "";
  const first = options.read();
  /** A pipe gives its content once. */
  const isWatched = start.kind === "file";
  let seen = { ...start, sinceMs: systemClock.uptimeMs(), isRead: false };
  let inUse = first;
  /** The latest that was accepted: its caps hold at once, the rest when it is taken over. */
  let accepted = first;
  let found: Found | null = null;
  let reported = "";
  let last = first;

  function refresh(): void {
    if (!isWatched) return;
    const state = stateOf(file);
    if (state.signature === seen.signature && seen.isRead) return;
    if (state.signature !== seen.signature)
      seen = { ...state, sinceMs: systemClock.uptimeMs(), isRead: false };
    // Asked before it is read: what is written within one step of the file system's clock has the same signature.
    const isStill = hasSettled(seen);
    const latest = hashOf(file, state);
    if (latest !== content) found = examine(state.kind);
    content = latest;
    seen.isRead = isStill;
    if (isStill && found?.type === "accepted") {
      accepted = found.config;
      found = null;
    }
    notifyChange();
  }

  function examine(kind: FileState["kind"]): Found | null {
    try {
      if (kind === "other")
        throw new ConfigError(file, [
          { path: "", message: "is no regular file any more; put the file back" },
        ]);
      const config = asRunning(options.read(), first);
      return isSame(config, accepted) ? null : { type: "accepted", config };
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      return { type: "refused", error, caps: options.readCaps() };
    }
  }

  function caps(): BudgetConfig {
    const budget = withoutRemoved(accepted.budget, inUse, accepted);
    if (found === null) return budget;
    if (found.type === "refused") return lowerCaps(budget, found.caps);
    return withoutRemoved(lowerCaps(budget, found.config.budget), inUse, found.config);
  }

  /** Made anew when something of it has changed; it is asked for several times in each call. */
  let made: { of: readonly [Config, Config, Found | null]; config: Config } | null = null;

  function current(): Config {
    const of = [inUse, accepted, found] as const;
    if (made === null || of.some((part, index) => part !== made?.of[index]))
      made = { of, config: { ...inUse, budget: caps() } };
    return made.config;
  }

  function notifyChange(): void {
    const [before, now] = [last, current()];
    if (isSame(before, now)) return;
    last = now;
    options.onChange(before, now);
  }

  return {
    current,
    caps() {
      refresh();
      return current().budget;
    },
    hasNews() {
      refresh();
      return accepted !== inUse || (found?.type === "refused" && seen.isRead && reported !== content);
    },
    async takeOver(signal) {
      refresh();
      for (let count = 0; found !== null && !seen.isRead && count < SETTLES_MAX; count++) {
        // It rejects when the agent is stopped; whoever called looks at that next.
        await systemClock.sleep(SETTLE_MS, signal).catch(() => undefined);
        if (signal.aborted) return null;
        refresh();
      }
      inUse = accepted;
      notifyChange();
      if (found?.type !== "refused") reported = "";
      if (found?.type !== "refused" || !seen.isRead || reported === content) return null;
      reported = content;
      return { error: found.error, hash: content };
    },
  };
}

/** A client that is not in the file any more goes with its caps, and may spend nothing until the rest is taken over. */
function withoutRemoved(budget: BudgetConfig, inUse: Config, latest: Config): BudgetConfig {
  const kept = new Set(latest.gateway.clients.map(({ name }) => name));
  const removed = inUse.gateway.clients.filter(({ name }) => !kept.has(name));
  if (removed.length === 0) return budget;
  const nothing = Object.fromEntries(removed.map(({ name }) => [name, { day_calls: 0 }]));
  return { ...budget, owners: { ...budget.owners, client: { ...budget.owners.client, ...nothing } } };
}

/** Host settings, and where the state is, are those that it was started with; the state belongs to the agent's name. */
function asRunning(config: Config, first: Config): Config {
  const { paths, tickSeconds, agent, database } = first;
  if (config.agent === agent) return { ...config, paths, tickSeconds, database };
  const message = `is ${config.agent}, and ${agent} is at work; its state has that name, so stop it before you rename it`;
  throw new ConfigError(paths.configFile, [{ path: "agent", message }]);
}

function isSame(a: Config, b: Config): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

interface FileState {
  /** What differs between two versions of a file, without reading it. */
  signature: string;
  /** Epoch milliseconds; null where there is no file. */
  changedMs: number | null;
  kind: "file" | "none" | "other";
}

function stateOf(file: string): FileState {
  try {
    const stats = statSync(file);
    const { dev, ino, size, mtimeMs, ctimeMs } = stats;
    const signature = `${dev}:${ino}:${size}:${mtimeMs}:${ctimeMs}`;
    return { signature, changedMs: Math.max(mtimeMs, ctimeMs), kind: stats.isFile() ? "file" : "other" };
  } catch (error) {
    // Whoever reads it reports that it cannot be read.
    return { signature: messageOf(error), changedMs: null, kind: "none" };
  }
}

/** By the file's own times, or by how long it has been seen as it is, where those are in the future. */
function hasSettled({ changedMs, sinceMs }: { changedMs: number | null; sinceMs: number }): boolean {
  if (systemClock.uptimeMs() - sinceMs >= SETTLE_MS) return true;
  return changedMs !== null && systemClock.nowMs() - changedMs >= SETTLE_MS;
}

/** What `Refused` calls the content of a file as it is now. */
export function hashOfFile(file: string): string {
  return hashOf(file, stateOf(file));
}

function hashOf(file: string, { kind, signature }: FileState): string {
  return kind === "other" ? signature : contentHash(file);
}

function contentHash(file: string): string {
  try {
    return hash("sha256", readBounded(file, HASHED_BYTES_MAX));
  } catch (error) {
    return hash("sha256", messageOf(error));
  }
}
