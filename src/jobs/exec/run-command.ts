import { type ChildProcess, fork } from "node:child_process";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { systemClock } from "../../lib/clock.ts";
import { assertNever } from "../../lib/errors.ts";
import { siblingScript } from "../../lib/sibling-script.ts";
import { type Capture, type Captured, captureFirst, captureLast } from "./capture.ts";
import { EXEC_VARIABLE } from "./marks.ts";
import type { Plan, Report } from "./messages.ts";
import { sweep } from "./sweep.ts";

export interface Ran {
  end: End;
  stdout: Captured;
  stderr: Captured;
  durationMs: number;
  /** Processes that the command left behind and that were killed, and those that could not be. */
  leftBehind: number;
  unkillable: number;
}

export type End =
  | { type: "exited"; code: number | null; signal: NodeJS.Signals | null }
  /** The system did not start it; `code` is the system's, such as ENOENT. */
  | { type: "unstarted"; code: string; message: string }
  /** The supervisor was killed, and everything with it: how the command would have ended is not known. */
  | { type: "lost" };

export interface Watching {
  /** Goes to the command's standard input, which then ends. */
  input: string;
  /** Bytes kept of each stream. */
  outputBytesMax: number;
  /** PATH of afk itself, for the supervisor. */
  path: string | undefined;
  signal: AbortSignal;
}

const SUPERVISOR = fileURLToPath(siblingScript("supervisor", import.meta.url));

/** The shell sets the limit that marks all children (marks.ts), where it can, and becomes the supervisor. */
const MARKED = 'ulimit -f "$0" 2>/dev/null; exec "$@"';

/** A supervisor that was cut off has swept after this long, or never will. */
const SUPERVISOR_END_MS = 8_000;
/** Output that is still in the pipes when all writers are dead comes at once. */
const OUTPUT_END_MS = 1_000;

/**
 * Runs a command to its end, and kills what it leaves behind. When `signal` aborts, or this process dies, everything
 * that the command started is killed.
 * @throws the signal's reason once all is killed; the system's error when no supervisor could be started.
 */
export async function runCommand(plan: Plan, watching: Watching): Promise<Ran> {
  const { signal } = watching;
  signal.throwIfAborted();
  const startedMs = systemClock.uptimeMs();
  const supervisor = startSupervisor(plan, watching.path);
  const heard: Heard = { pid: null, end: { type: "lost" }, found: 0, left: 0 };
  supervisor.on("message", (message) => listen(heard, message as Report));
  const stdout = captureFirst(watching.outputBytesMax);
  const stderr = captureLast(watching.outputBytesMax);
  const flowing = [read(supervisor.stdout, stdout), read(supervisor.stderr, stderr)];
  // A command need not read its input, and may have ended before it was written.
  supervisor.stdin?.on("error", () => supervisor.stdin?.destroy()).end(watching.input);

  const over = new AbortController();
  const cutOff = () => {
    if (supervisor.connected) supervisor.disconnect();
    void systemClock.sleep(SUPERVISOR_END_MS, over.signal).then(
      () => supervisor.kill("SIGKILL"),
      () => undefined,
    );
  };
  try {
    const ended = endOf(supervisor);
    if (supervisor.connected) supervisor.send(plan, (error) => error && cutOff());
    signal.addEventListener("abort", cutOff, { once: true });
    const isClean = await ended;
    if (!isClean) await sweepAfter(supervisor, plan, heard);
  } finally {
    over.abort();
    signal.removeEventListener("abort", cutOff);
    await drain(supervisor, flowing);
  }
  signal.throwIfAborted();
  return {
    end: heard.end,
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

function startSupervisor({ marks }: Plan, path: string | undefined): ChildProcess {
  return fork(SUPERVISOR, [], {
    execPath: "/bin/sh",
    execArgv: ["-c", MARKED, String(marks.fileSizeBlocks), process.execPath],
    env: { [EXEC_VARIABLE]: marks.cookie, ...(path === undefined ? {} : { PATH: path }) },
    stdio: ["pipe", "pipe", "pipe", "ipc"],
    detached: true,
  });
}

function listen(heard: Heard, message: Report): void {
  switch (message.type) {
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
async function sweepAfter(supervisor: ChildProcess, plan: Plan, heard: Heard): Promise<void> {
  const roots = [supervisor.pid, heard.pid].filter((pid) => typeof pid === "number");
  const { found, left } = await sweep(plan.marks, roots);
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
