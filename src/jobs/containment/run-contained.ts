import { type ChildProcess, fork } from "node:child_process";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { processEnvironment } from "../../config/environment.ts";
import { systemClock } from "../../lib/clock.ts";
import { assertNever } from "../../lib/errors.ts";
import type { Log } from "../../lib/log.ts";
import { siblingScript } from "../../lib/sibling-script.ts";
import { type Capture, type Captured, captureFirst, captureLast } from "./capture.ts";
import { isOrphan, ownNamespace } from "./container.ts";
import { type ContainmentKind, chooseContainment } from "./containment.ts";
import type { Plan, Program, Report } from "./messages.ts";
import { EXEC_VARIABLE, newTags, type ProcessTags } from "./process-tags.ts";
import type { Process } from "./processes.ts";
import type { ProcessRecords } from "./records.ts";
import { kill } from "./sweep.ts";

export interface Ran {
  end: End;
  containment: ContainmentKind;
  stdout: Captured;
  stderr: Captured;
  durationMs: number;
  /** Processes that the program left behind and that were killed, and those that could not be. */
  leftBehind: number;
  unkillable: number;
}

export type End =
  | { type: "exited"; code: number | null; signal: NodeJS.Signals | null }
  /** The system did not start it; `code` is the system's, such as ENOENT. */
  | { type: "unstarted"; code: string; message: string }
  /** The supervisor was killed, and everything with it: how the program would have ended is not known. */
  | { type: "lost" };

export interface Watching {
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
export async function runContained(program: Program, watching: Watching): Promise<Ran> {
  const run = runOnce(program, watching);
  running.add(run);
  try {
    return await run;
  } finally {
    running.delete(run);
  }
}

async function runOnce(program: Program, watching: Watching): Promise<Ran> {
  const { signal } = watching;
  signal.throwIfAborted();
  const startedMs = systemClock.uptimeMs();
  const { PATH: path, [EXEC_VARIABLE]: outer } = processEnvironment();
  const containment = await chooseContainment(path);
  const tags = newTags(systemClock.nowMs(), outer);
  const { kind } = containment;
  const plan: Plan = {
    program: { ...program, env: { ...program.env, [EXEC_VARIABLE]: tags.cookie } },
    tags,
    kind,
    outside: kind === "namespace" ? ownNamespace() : null,
  };
  signal.throwIfAborted();
  const supervisor = startSupervisor(containment.words(tags), tags, path);
  const unready: End = { type: "unstarted", code: "", message: "its supervisor did not come up" };
  const heard: Heard = { pid: null, end: unready, found: 0, left: 0 };
  const ready = listen(supervisor, heard);
  const stdout = captureFirst(watching.outputBytesMax);
  const stderr = captureLast(watching.outputBytesMax);
  const flowing = [read(supervisor.stdout, stdout), read(supervisor.stderr, stderr)];
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
  const written =
    supervisor.pid === undefined ? undefined : watching.records.write({ pid: supervisor.pid, kind, tags });
  const begun = Promise.all([written, ready]).then(() => {
    if (!supervisor.connected || signal.aborted) return;
    watching.log.event("info", "exec_started", { containment: kind, pid: supervisor.pid });
    supervisor.send(plan, (error) => error && cutOff());
  });
  begun.catch(cutOff);
  try {
    const isClean = await ended;
    if (!isClean) await sweepAfter(supervisor, plan, heard);
    const forget = await written;
    if (heard.left === 0) await forget?.();
  } finally {
    over.abort();
    signal.removeEventListener("abort", cutOff);
    await drain(supervisor, flowing);
  }
  signal.throwIfAborted();
  return {
    end: heard.end,
    containment: kind,
    stdout: stdout.read(),
    stderr: stderr.read(),
    durationMs: systemClock.uptimeMs() - startedMs,
    leftBehind: heard.found,
    unkillable: heard.left,
  };
}

/** What the supervisor has said so far. */
interface Heard {
  pid: number | null;
  end: End;
  found: number;
  left: number;
}

function startSupervisor(
  words: readonly string[],
  tags: ProcessTags,
  path: string | undefined,
): ChildProcess {
  const [execPath = "", ...execArgv] = [...words, process.execPath];
  return fork(SUPERVISOR, [], {
    execPath,
    execArgv,
    env: { [EXEC_VARIABLE]: tags.cookie, ...(path === undefined ? {} : { PATH: path }) },
    stdio: ["pipe", "pipe", "pipe", "ipc"],
    detached: true,
  });
}

/** Resolves when the supervisor is ready, or has ended. */
function listen(supervisor: ChildProcess, heard: Heard): Promise<void> {
  return new Promise((resolve) => {
    supervisor.once("disconnect", resolve).once("error", () => resolve());
    supervisor.on("message", (message) => {
      const report = message as Report;
      note(heard, report);
      if (report.type === "ready") resolve();
    });
  });
}

function note(heard: Heard, message: Report): void {
  switch (message.type) {
    case "ready":
      heard.end = { type: "lost" };
      return;
    case "started":
      heard.pid = message.pid;
      return;
    case "unstarted":
      heard.end = message;
      return;
    case "ended":
      heard.end = { type: "exited", code: message.code, signal: message.signal };
      return;
    case "swept":
      heard.found = message.found;
      heard.left = message.left;
      return;
    default:
      assertNever(message);
  }
}

/** Whether the supervisor ended by itself, its work done; resolves when all that it said has been heard. */
async function endOf(supervisor: ChildProcess): Promise<boolean> {
  const unheard = supervisor.connected
    ? new Promise<void>((resolve) => supervisor.once("disconnect", resolve))
    : undefined;
  const code = await new Promise<number | null>((resolve, reject) => {
    supervisor.once("error", reject);
    supervisor.once("exit", resolve);
  });
  await unheard;
  return code === 0;
}

/** The supervisor itself was killed, and this process does its work. */
async function sweepAfter(supervisor: ChildProcess, { kind, tags }: Plan, heard: Heard): Promise<void> {
  // Within a namespace pids are others, and whatever is in there descends from its first process.
  const roots = [supervisor.pid, kind === "namespace" ? null : heard.pid].filter(
    (pid) => typeof pid === "number",
  );
  const isOurs = (each: Process) => kind === "container" && isOrphan(each, process.pid, tags);
  const { found, left } = await kill({ tags, roots, isOurs });
  heard.found = found;
  heard.left = left;
}

/** Resolves when nobody can write to the stream any more, or nobody will read it. */
function read(stream: Readable | null, capture: Capture): Promise<void> {
  stream?.on("data", (chunk: Buffer) => capture.write(chunk));
  return new Promise((resolve) => {
    if (stream === null) resolve();
    else stream.once("error", () => resolve()).once("close", () => resolve());
  });
}

/** Waits for the rest of the output, but not for a process that could not be killed and holds it open. */
async function drain(supervisor: ChildProcess, flowing: readonly Promise<void>[]): Promise<void> {
  const drained = new AbortController();
  await Promise.race([
    Promise.all(flowing).then(() => drained.abort()),
    systemClock.sleep(OUTPUT_END_MS, drained.signal).catch(() => undefined),
  ]);
  drained.abort();
  supervisor.stdout?.destroy();
  supervisor.stderr?.destroy();
}
