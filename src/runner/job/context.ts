import type { JobConfig } from "../../config/config.ts";
import { modelsOf } from "../../config/job-models.ts";
import { isDraftName, readDraft, writeContent } from "../../jobs/actions/read-draft.ts";
import type { JobContext, RunGateway } from "../../jobs/job.ts";
import { readPrinted } from "../../jobs/printed-items.ts";
import { assert } from "../../lib/errors.ts";
import type { Log } from "../../lib/log.ts";
import type { RunCalls } from "../../providers/refusals.ts";
import type { Completion } from "../../providers/types.ts";
import { type JobRow, PermanentFailure } from "../../queue/job.ts";
import { OUTPUT_NAME, type OutputFile } from "../../queue/publish.ts";
import { readStep, saveStep } from "../../queue/steps.ts";
import { recordReported } from "../../rails/reported.ts";
import type { Uses, WorkIds } from "../dependencies.ts";
import type { Activity } from "./activity.ts";
import { openRunFolder } from "./folder.ts";
import { openRunGateway } from "./gateway.ts";
import { recall } from "./memory.ts";
import { processRecords } from "./processes.ts";
import { openRunProxy } from "./proxy.ts";
import { isSeen } from "./seen.ts";
import { viewOf } from "./view.ts";

/** What a job wants to become real when it is done. */
export interface Pending {
  files: OutputFile[];
  seen: Set<string>;
  kept: Map<string, string>;
  drafts: Drafted[];
}

/** An action that a person decides about. */
export interface Drafted {
  name: string;
  action: string;
  content: unknown;
}

const PENDING_MAX = 10_000;
const KEPT_KEYS_MAX = 1_000;
const KEPT_CHARS_MAX = 256 * 1024;
/** A person reads each of them. */
const DRAFTS_MAX = 100;

/** The run that a context is made for. */
export interface Run extends WorkIds {
  job: JobRow;
  entry: JobConfig;
  signal: AbortSignal;
  log: Log;
  calls: RunCalls;
  activity: Activity;
  variables: Readonly<Record<string, string>>;
}

type ContextDependencies = Uses<
  "store" | "outbox" | "rails" | "clock" | "config" | "chain" | "egress" | "onProgress"
>;

/** Builds what a job can reach, and collects what it publishes, remembers and drafts, and the gateways that it opened. */
export function createContext(
  dependencies: ContextDependencies,
  run: Run,
): { context: JobContext; pending: Pending; gateways: RunGateway[] } {
  const gateways: RunGateway[] = [];
  const pending: Pending = { files: [], seen: new Set(), kept: new Map(), drafts: [] };
  const { job, activity } = run;
  const { store, outbox, clock, config, egress, rails } = dependencies;
  const { db } = store;
  const { chain: references, onCap } = modelsOf(config.models, run.entry);
  const chain = dependencies.chain.of({ chain: references, onCap });

  async function recorded<T>(name: string, make: () => Promise<T>): Promise<T> {
    run.signal.throwIfAborted();
    const found = await readStep(db, job.id, name);
    return found === undefined ? await make() : (JSON.parse(found) as T);
  }

  const context: JobContext = {
    name: job.name,
    settings: run.entry.settings,
    payload: JSON.parse(job.payload),
    period: { slotMs: job.slot_at, label: job.label },
    variables: run.variables,
    timezone: config.timezone,
    base: config.paths.base,
    repos: config.paths.repos,
    isSeen: (keys) => isSeen(dependencies, job.name, keys),
    printed: (query) => readPrinted(db, query),
    remember(keys) {
      for (const key of keys) pending.seen.add(key);
      const isBounded = pending.seen.size <= PENDING_MAX;
      assert(isBounded, `job ${job.name} remembers more than ${PENDING_MAX} keys at once`);
    },
    recall: (key) => recall(db, job.name, key),
    keep(key, value) {
      pending.kept.set(key, value);
      const isBounded = pending.kept.size <= KEPT_KEYS_MAX && value.length <= KEPT_CHARS_MAX;
      assert(
        isBounded,
        `job ${job.name} keeps more than ${KEPT_KEYS_MAX} texts, or a longer one than may be`,
      );
    },
    step: (name, fn) =>
      recorded(name, async () => {
        activity.note();
        const result = await fn();
        activity.note();
        run.signal.throwIfAborted();
        await saveStep(db, job, name, result, clock.nowMs());
        return result;
      }),
    complete: (name, request) =>
      recorded<Completion>(name, () =>
        activity.during(
          chain.complete(request, {
            scope: { tick: run.tick, job: job.key, jobName: job.name },
            log: run.log,
            signal: run.signal,
            step: name,
            runner: run.runner,
            claim: job,
            onCall: run.calls.onCall,
            record: (trx, completion) => saveStep(trx, job, name, completion, clock.nowMs()),
          }),
        ),
      ),
    egress: {
      fetch: (url, options) => activity.during(egress.fetch(url, { signal: run.signal, ...options })),
      openMailbox: egress.openMailbox,
    },
    processes: { ...processRecords(dependencies, run), onOutput: activity.note },
    view: viewOf(config),
    openProxy: (wanted) => openRunProxy(dependencies, { ...wanted, log: run.log }),
    openFolder: () => openRunFolder(config.paths, job.id, run.log),
    charge: (costMicros) =>
      recordReported(rails, {
        costMicros,
        scope: { tick: run.tick, job: job.key, jobName: job.name },
        runner: run.runner,
        log: run.log,
      }),
    async openGateway() {
      const opened = await openRunGateway(dependencies, run);
      gateways.push(opened);
      return opened;
    },
    publish(name, content) {
      const message = `${JSON.stringify(name)} cannot be the name of a file in out/`;
      if (!OUTPUT_NAME.test(name)) throw new PermanentFailure("bad_output_name", message);
      pending.files.push({ name, content });
    },
    draft(name, action, content) {
      pending.drafts.push(checkedDraft(pending, name, action, content));
    },
    redact: outbox.redact,
    signal: run.signal,
    log: run.log,
    progress(done, total, label) {
      activity.note();
      const several = config.concurrency > 1 ? ({ isOneOfSeveral: true } as const) : {};
      dependencies.onProgress?.({ job: job.name, done, total, label, ...several });
    },
  };
  return { context, pending, gateways };
}

/** What would be refused when a person approves it is refused now, while the job that made it can be told. */
function checkedDraft({ drafts }: Pending, name: string, action: string, content: unknown): Drafted {
  const refuse = (message: string) => new PermanentFailure("bad_draft", message);
  if (!isDraftName(name) || drafts.some((draft) => draft.name === name)) {
    throw refuse(
      `${JSON.stringify(name.slice(0, 80))} cannot name a draft: write one line of 1 to 150 characters that no other draft of the job has`,
    );
  }
  if (drafts.length >= DRAFTS_MAX) throw refuse(`a job drafts at most ${DRAFTS_MAX} actions`);
  const json = writeContent(content);
  readDraft(action, json);
  // A copy: what the job does to its object afterwards was not checked.
  return { name, action, content: JSON.parse(json) };
}
