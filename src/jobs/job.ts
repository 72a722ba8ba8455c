import type { GenericSchema } from "valibot";
import type { Config } from "../config/config.ts";
import type { ConfigIssue } from "../config/errors.ts";
import type { RunReport } from "../delivery/report.ts";
import type { Egress } from "../egress/types.ts";
import { AfkError, EXIT, type Retry } from "../lib/errors.ts";
import type { Log } from "../lib/log.ts";
import type { Completion, ModelRequest } from "../providers/types.ts";
import type { RunCapped } from "../rails/halt.ts";
import type { View } from "./containment/enclosure.ts";
import type { ProcessRecords } from "./containment/records.ts";
import type { Service } from "./containment/supervised.ts";
import type { NewlyPrinted, PrintedItem, PrintedQuery } from "./printed-items.ts";

/**
 * A kind of job: one folder, one object. `Settings` is what its part of a `jobs:` entry in afk.yaml parses to.
 * To add one, export a `JobKind` from `jobs/<name>/` and list it in `jobs/registry.ts`.
 */
export interface JobKind<Settings = unknown> {
  kind: string;
  /** Parses the entry without the keys every job has (name, kind, schedule, every, timeout, retry). */
  settings: GenericSchema<unknown, Settings>;
  /** Minutes that a unit of its output saves a person, where afk.yaml does not say; 30 unless stated. */
  minutesSavedPerUnit?: number;
  /** What the schema cannot say alone, such as a source whose host is not in `egress.allow`. Paths start at the entry. */
  check?(settings: Settings, config: Config): ConfigIssue[];
  run(context: JobContext<Settings>): Promise<JobResult>;
  /**
   * Whether a run has anything to do, and how its sources were found, for `only_if: changed`. It asks no model, and works in steps
   * that `run` finds done.
   */
  look?(context: JobContext<Settings>): Promise<{ isNew: boolean; sources: SourceReport[] }>;
}

/** What a job did. `units` is the number of outputs that are worth something to the owner. */
export interface JobResult {
  units: number;
  /** One line for the log and the progress display. */
  summary: string;
  /** What its receivers get (`deliver:`), and whether there is anything new in it. Files alone are told of by their names. */
  report?: RunReport;
  /** Items that it printed, which people may rate and a roll-up reads. */
  printed?: readonly NewlyPrinted[];
  /** The date of the newest of what it read, in epoch milliseconds; null or left out where that is not known. For `expect.max_age`. */
  newestInputMs?: number | null;
  /** What a program printed. For `expect.json` and `expect.contains`. */
  output?: string;
  /** How each of its sources was found, where it has any: an outage is announced once, and its end. */
  sources?: SourceReport[];
}

/** One source at one run. `id` is the same for the same place; `error` is null when it could be read. No secrets in any. */
export interface SourceReport {
  id: string;
  label: string;
  error: string | null;
}

/** None of a job's sources could be reached, each host being down: the job waits, and is tried again. */
export class SourcesDown extends AfkError {
  readonly sources: SourceReport[];

  constructor(sources: SourceReport[], retry: Retry) {
    const errors = sources.map(({ label, error }) => `${label}: ${error}`).join("; ");
    const message = `none of the sources could be reached (${errors})`;
    super("sources_down", message, { retry, exitCode: EXIT.unavailable });
    this.sources = sources;
  }
}

/** The gateway of one run. What is asked through it passes the gates as the job's own calls do, and counts as those. */
export interface RunGateway extends AsyncDisposable {
  /** `http://127.0.0.1:40123` */
  url: string;
  /** The same in a network of the program's own. */
  service: Service;
  /** A secret; nobody's once the run is over. */
  key: string;
  /** Tokens of output that are asked for where a program states no limit. */
  maxOutputTokens: number;
  /** Names of afk.yaml for models. */
  aliases: readonly string[];
  /** How many requests came with the key. */
  requests(): number;
  /** What the run is charged so far, in all its attempts; what is unknown at its worst case. */
  costMicros(): Promise<number>;
  /** The cap that refused the latest request; null where something else came of it. */
  refusedBy(): RunCapped | null;
  /** Aborts, with an error of what refused it, when the run goes on asking although it was refused often enough. */
  signal: AbortSignal;
}

/** A private folder for the programs of one run: settings for them, what they hand in. It goes when it is disposed of. */
export interface RunFolder extends Disposable {
  /** Absolute, and the same for every attempt at the run. */
  path: string;
}

/** The filtering proxy of one run, which lets programs reach the hosts that afk.yaml names. */
export interface RunProxy extends AsyncDisposable {
  /** `http://127.0.0.1:40124`, with a secret in it that is nobody's once the run is over. */
  url: string;
  /** The same in a network of the program's own, where it takes no secret. */
  service: Service;
  /** Hosts, with their ports, that were asked for and refused; at most 100. */
  refused(): string[];
}

/**
 * All that a job can reach. Work is done inside steps, so that a crash repeats nothing: a step that has a
 * recorded result gives it again without running. What a job publishes, remembers or drafts becomes real in
 * the same transaction that marks it done, and not before.
 */
export interface JobContext<Settings = unknown> {
  name: string;
  settings: Settings;
  /** Payload given with `afk enqueue --payload`; null for scheduled work. */
  payload: unknown;
  /** The slot it runs for. `label` names its output: a date, with the time when there are several a day. */
  period: { slotMs: number; label: string };
  /** What its `env_file` sets, by name; empty without one. No log, error or report of the run shows the values. */
  variables: Readonly<Record<string, string>>;
  timezone: string;
  /** Folder that relative paths in the settings start from. */
  base: string;
  /** Folder in the state where copies of repositories are kept from run to run. */
  repos: string;
  /** True for content that has been remembered by an earlier run of a job of this name. */
  isSeen(keys: string[]): Promise<Set<string>>;
  /** Remembers keys when the job is done. */
  remember(keys: string[]): void;
  /** What an earlier run of a job of this name kept under a key; null where there is none. */
  recall(key: string): Promise<string | null>;
  /** Keeps a text (at most 256 KiB, of at most 1,000 keys) for later runs, in place of what was kept before, when the job is done. */
  keep(key: string, value: string): void;
  /** What jobs of this agent printed, the newest first, at most 2,000. It changes with time and ratings: read it in a step. */
  printed(query: PrintedQuery): Promise<PrintedItem[]>;
  /** Runs `fn` once per job and name; its result (JSON, at most 4 MiB) is kept and given again after a crash. */
  step<T>(name: string, fn: () => Promise<T>): Promise<T>;
  /** A step that asks the guarded model; the completion is recorded in the transaction that settles its cost. */
  complete(name: string, request: ModelRequest): Promise<Completion>;
  egress: Egress;
  /** For `runContained`, which is how a job runs a program. */
  processes: ProcessRecords;
  /** For the same: what no program sees but one whose job says so. The state, afk.yaml, and files with secrets. */
  view: View;
  /** Opens afk's filtering proxy to programs that the job runs, until it is disposed of. */
  openProxy(wanted: { allow: readonly string[] | null; hasGateway: boolean }): Promise<RunProxy>;
  /** Makes the empty folder of the run, one at a time. */
  openFolder(): RunFolder;
  /** Charges what a program says that it has spent elsewhere, at once and in full: caps then leave so much less to all that follows. */
  charge(costMicros: number): Promise<void>;
  /** Opens models to programs that the job runs, until it is disposed of or the run is over. */
  openGateway(): Promise<RunGateway>;
  /** A file in `out/` by its bare name; published when the job is done. */
  publish(name: string, content: string): void;
  /** Stores an irreversible action for a person to approve; it is not done. */
  draft(name: string, action: string, content: unknown): void;
  /** Takes secrets out of an error that the job keeps or publishes; what is logged or thrown is redacted anyway. */
  redact(text: string): string;
  /** Aborts on a kill switch, the time limit, or a lost lease. */
  signal: AbortSignal;
  log: Log;
  /** Tells people at a terminal how far the job is. */
  progress(done: number, total: number, label: string): void;
}
