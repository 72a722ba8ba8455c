import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { processEnvironment } from "../../config/environment.ts";
import { systemClock } from "../../lib/clock.ts";
import type { Log } from "../../lib/log.ts";
import { siblingScript } from "../../lib/sibling-script.ts";
import { type Capture, type Captured, captureFirst, captureLast } from "./capture.ts";
import { type ContainmentKind, chooseContainment, ownNamespace } from "./containment.ts";
import { EXEC_VARIABLE, newTags } from "./process-tags.ts";
import type { ProcessRecords } from "./records.ts";
import type { End, Plan, Program, Report } from "./supervisor.ts";
import { kill, type Swept } from "./sweep.ts";

/** What became of a program. */
export interface Ran {
  /** `lost`: the supervisor was killed, and everything with it; how the program would have ended is not known. */
  end: End | { type: "lost" };
  containment: ContainmentKind;
  stdout: Captured;
  stderr: Captured;
  durationMs: number;
  /** Processes that the program left behind and that were killed, and those that could not be. */
  leftBehind: number;
  unkillable: number;
}

/** What a run needs besides the program. */
interface Watching {
  /** Goes to the program's standard input, which then ends. */
  input: string;
  /** Bytes kept of each stream. */
  outputBytesMax: number;
  /** Where it is written down what is started. */
  records: ProcessRecords;
  log: Log;
  signal: AbortSignal;
}

const SUPERVISOR = fileURLToPath(siblingScript("supervisor", import.meta.url));

/** A supervisor that was cut off, and has not ended after this long, is killed: it was stopped, or has no processor. */
const SUPERVISOR_END_MS = 800;
/** Output that is still in the pipes when all writers are dead comes at once. */
const OUTPUT_END_MS = 1_000;

const running = new Set<Promise<unknown>>();

/** Resolves when nothing is left of programs whose jobs did not wait for their end. */
export async function allEnded(): Promise<void> {
  await Promise.allSettled(running);
}

/**
 * Runs a program under the best containment there is, and kills what it leaves behind. When `signal` aborts, or this
 * process dies, everything that the program started is killed. AFK_EXEC is added to its environment.
 * @throws the signal's reason once all is killed; the system's error when no supervisor could be started; what `records` throws.
 */
export function runContained(program: Program, watching: Watching): Promise<Ran> {
  const run = runOnce(program, watching);
  running.add(run);
  return run.finally(() => running.delete(run));
}

async function runOnce(program: Program, { signal, log, records, ...watching }: Watching): Promise<Ran> {
  signal.throwIfAborted();
  const startedMs = systemClock.uptimeMs();
  const { PATH: path, [EXEC_VARIABLE]: outer } = processEnvironment();
  const { kind, prefix } = await chooseContainment(path);
  const tags = newTags(systemClock.nowMs(), outer);
  const env = { ...program.env, [EXEC_VARIABLE]: tags.cookie };
  const outside = kind === "namespace" ? ownNamespace() : null;
  const plan: Plan = { ...program, env, tags, kind, outside };
  signal.throwIfAborted();
  const supervisor = startSupervisor(prefix(tags), tags.cookie, path);
  const { pid } = supervisor;
  const { ready, reported } = follow(supervisor);
  const stdout = captureFirst(watching.outputBytesMax);
  const stderr = captureLast(watching.outputBytesMax);
  const flowing = [read(supervisor.stdout, stdout, records), read(supervisor.stderr, stderr, records)];
  // A program need not read its input, and may have ended before it was written.
  supervisor.stdin?.on("error", () => supervisor.stdin?.destroy()).end(watching.input);

  const over = new AbortController();
  const cutOff = () => {
    if (supervisor.connected) supervisor.disconnect();
    void systemClock.sleep(SUPERVISOR_END_MS, over.signal).then(
      () => supervisor.kill("SIGKILL"),
      () => undefined,
    );
  };
  const ended = endOf(supervisor);
  signal.addEventListener("abort", cutOff, { once: true });
  // The program starts once it is written down what there is to be killed, and the supervisor is there to do it.
  const written = pid === undefined ? undefined : records.write({ pid, kind, tags });
  const begun = Promise.all([written, ready]).then(() => {
    if (!supervisor.connected || signal.aborted) return;
    log.event("info", "exec_started", { containment: kind, pid });
    supervisor.send(plan, (error) => error && cutOff());
  });
  begun.catch(cutOff);
  try {
    const isClean = await ended;
    if (!isClean) reported.swept = await sweepAfter(pid, plan, reported);
    const forget = await written;
    if (reported.swept.left === 0) await forget?.();
  } finally {
    over.abort();
    signal.removeEventListener("abort", cutOff);
    await drain(supervisor, flowing);
  }
  signal.throwIfAborted();
  return {
    end: reported.end,
    containment: kind,
    stdout: stdout.read(),
    stderr: stderr.read(),
    durationMs: systemClock.uptimeMs() - startedMs,
    leftBehind: reported.swept.found,
    unkillable: reported.swept.left,
  };
}

function startSupervisor(prefix: readonly string[], cookie: string, path: string | undefined): ChildProcess {
  const [execPath = "", ...execArgv] = [...prefix, process.execPath];
  return fork(SUPERVISOR, [], {
    execPath,
    execArgv,
    env: { [EXEC_VARIABLE]: cookie, ...(path === undefined ? {} : { PATH: path }) },
    stdio: ["pipe", "pipe", "pipe", "ipc"],
    detached: true,
  });
}

/** What the supervisor has reported so far. */
interface Reported {
  /** The program's. */
  pid: number | null;
  end: Ran["end"];
  swept: Swept;
}

/** `ready` resolves when the supervisor listens, or is gone. */
function follow(supervisor: ChildProcess): { ready: Promise<void>; reported: Reported } {
  const unready: End = { type: "unstarted", code: "", message: "its supervisor did not come up" };
  const reported: Reported = { pid: null, end: unready, swept: { found: 0, left: 0 } };
  const ready = new Promise<void>((resolve) => {
    supervisor.once("disconnect", resolve).once("error", () => resolve());
    supervisor.on("message", (message) => {
      const report = message as Report;
      if (report.type === "started") reported.pid = report.pid;
      else if (report.type === "swept") reported.swept = report.swept;
      else reported.end = report.type === "ready" ? { type: "lost" } : report;
      if (report.type === "ready") resolve();
    });
  });
  return { ready, reported };
}

/** Whether the supervisor ended by itself, its work done; resolves when all that it reported has arrived. */
async function endOf(supervisor: ChildProcess): Promise<boolean> {
  const disconnected =
    supervisor.connected && new Promise((resolve) => supervisor.once("disconnect", resolve));
  const [code] = await once(supervisor, "exit");
  await disconnected;
  return code === 0;
}

/** The supervisor itself was killed, and this process does its work. */
async function sweepAfter(
  supervisor: number | undefined,
  { kind, tags }: Plan,
  { pid }: Reported,
): Promise<Swept> {
  // Within a namespace pids are others, and whatever is in there descends from its first process.
  const roots = [supervisor, kind === "namespace" ? null : pid].filter((each) => typeof each === "number");
  return await kill({ tags, roots, tenant: kind === "container" ? process.pid : undefined });
}

/** Resolves when nobody can write to the stream any more, or nobody will read it. */
function read(stream: Readable | null, capture: Capture, records: ProcessRecords): Promise<void> {
  const take = (chunk: Buffer) => {
    capture.write(chunk);
    records.onOutput?.();
  };
  stream?.on("data", take).on("error", () => stream.destroy());
  return new Promise((resolve) => (stream === null ? resolve() : stream.once("close", resolve)));
}

/** Waits for the rest of the output, but not for a process that could not be killed and holds it open. */
async function drain(supervisor: ChildProcess, flowing: readonly Promise<void>[]): Promise<void> {
  const drained = new AbortController();
  await Promise.race([
    Promise.all(flowing).then(() => drained.abort()),
    systemClock.sleep(OUTPUT_END_MS, drained.signal).catch(() => undefined),
  ]);
  supervisor.stdout?.destroy();
  supervisor.stderr?.destroy();
}
