import type { ChildProcess } from "node:child_process";
import type { Readable } from "node:stream";
import { processEnvironment } from "../../config/environment.ts";
import { afterUnref, systemClock } from "../../lib/clock.ts";
import { AfkError } from "../../lib/errors.ts";
import type { Log } from "../../lib/log.ts";
import { findReplaced, openedFiles } from "../../lib/opened-files.ts";
import { joinSignals } from "../../lib/signals.ts";
import { type Capture, type Captured, captureFirst, captureLast } from "./capture.ts";
import { type Containment, type ContainmentKind, chooseContainment, ownNamespace } from "./containment.ts";
import { coveredFiles, isWithin, type Locked, type View } from "./enclosure.ts";
import { EXEC_VARIABLE, newTags } from "./process-tags.ts";
import type { ProcessRecords } from "./records.ts";
import { withoutSockets } from "./sockets.ts";
import { endOf, follow, type Reported, type Service, startSupervisor } from "./supervised.ts";
import type { Plan, Program } from "./supervisor.ts";
import { kill, type Swept } from "./sweep.ts";

/** What became of a program. */
export interface Ran {
  /** `lost`: the supervisor was killed, and everything with it; how the program would have ended is not known. */
  end: Reported["end"];
  containment: ContainmentKind;
  /** Whether it had a network of its own, and whether what was to be hidden was. */
  enclosed: Enclosed;
  stdout: Captured;
  stderr: Captured;
  durationMs: number;
  /** Processes that the program left behind and that were killed, and those that could not be. */
  leftBehind: number;
  unkillable: number;
}

/** What came of the wish to enclose a program. `refusal`: why it was not, where it was to be; null otherwise. */
interface Enclosed {
  hasOwnNetwork: boolean;
  isViewLimited: boolean;
  refusal: string | null;
}

/** What a run needs besides the program. */
interface Watching {
  /** `open`: the machine's network. Else one of its own, with these alone, wherever that can be had. */
  network: "open" | readonly Service[];
  /** What is hidden from it, wherever that can be done; null for nothing. */
  view: View | null;
  /** Goes to the program's standard input, which then ends. */
  input: string;
  /** Bytes kept of each stream. */
  outputBytesMax: number;
  /** Where it is written down what is started. */
  records: ProcessRecords;
  log: Log;
  signal: AbortSignal;
}

/** A supervisor that was cut off, and has not ended after this long, is killed: it was stopped, or has no processor. */
const SUPERVISOR_END_MS = 800;
/** Output that is still in the pipes when all writers are dead comes at once. */
const OUTPUT_END_MS = 1_000;
/** How often it is looked whether what is covered is still in its place. */
const LOOK_MS = 250;

const running = new Set<Promise<unknown>>();

/** Resolves when nothing is left of programs whose jobs did not wait for their end. */
export async function allEnded(): Promise<void> {
  await Promise.allSettled(running);
}

/**
 * Runs a program under the best containment there is, and kills what it leaves behind. When `signal` aborts, or this
 * process dies, everything that the program started is killed. AFK_EXEC is added to its environment. Where it cannot be enclosed as
 * it should be, it runs all the same, and the log and what is given back say so.
 * @throws the signal's reason once all is killed; the system's error when no supervisor could be started; what `records` throws.
 */
export function runContained(program: Program, watching: Watching): Promise<Ran> {
  const run = runOnce(program, watching);
  running.add(run);
  return run.finally(() => running.delete(run));
}

async function runOnce(program: Program, { log, records, ...watching }: Watching): Promise<Ran> {
  watching.signal.throwIfAborted();
  const startedMs = systemClock.uptimeMs();
  const { PATH: path, [EXEC_VARIABLE]: outer } = processEnvironment();
  const chosen = await chooseContainment(path);
  const { kind } = chosen;
  const services = watching.network === "open" || chosen.networkRefusal !== null ? [] : watching.network;
  const enclosed = enclosedBy(chosen, watching);
  const wanted = chosen.viewRefusal === null ? withoutOwn(watching.view, program.cwd) : null;
  const view = enclosed.hasOwnNetwork ? withoutSockets(wanted, program.cwd) : wanted;
  const uncovered = new AbortController();
  using joined = joinSignals([watching.signal, uncovered.signal]);
  const { signal } = joined;
  using _covers = watchCovers(wanted, uncovered);
  const tags = newTags(systemClock.nowMs(), outer);
  const env = { ...program.env, [EXEC_VARIABLE]: tags.cookie };
  const outside = kind === "namespace" ? ownNamespace() : null;
  const plan: Plan = { ...program, env, tags, kind, outside };
  signal.throwIfAborted();
  const supervisor = startSupervisor(
    chosen.prefix(tags, { hasOwnNetwork: enclosed.hasOwnNetwork, view }),
    services.map(({ port }) => port),
    { [EXEC_VARIABLE]: tags.cookie, ...(path === undefined ? {} : { PATH: path }) },
  );
  const { pid } = supervisor;
  const { ready, reported, servers } = follow(supervisor, services);
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
    const { hasOwnNetwork, isViewLimited, refusal } = enclosed;
    const isTold = refusal !== null;
    const told = { network: hasOwnNetwork ? "own" : "open", state: isViewLimited ? "hidden" : "visible" };
    log.event("info", "exec_started", { containment: kind, pid, ...told, ...(isTold && { refusal }) });
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
    for (const server of servers) server.close();
    await drain(supervisor, flowing);
  }
  signal.throwIfAborted();
  return {
    end: reported.end,
    containment: kind,
    enclosed,
    stdout: stdout.read(),
    stderr: stderr.read(),
    durationMs: systemClock.uptimeMs() - startedMs,
    leftBehind: reported.swept.found,
    unkillable: reported.swept.left,
  };
}

function enclosedBy(
  { networkRefusal, viewRefusal }: Containment,
  { network, view }: Pick<Watching, "network" | "view">,
): Enclosed {
  const isWanted = { network: network !== "open", view: view !== null };
  return {
    hasOwnNetwork: isWanted.network && networkRefusal === null,
    isViewLimited: isWanted.view && viewRefusal === null,
    refusal: (isWanted.network ? networkRefusal : null) ?? (isWanted.view ? viewRefusal : null),
  };
}

/** A program that works on afk's own code may change it. */
function withoutOwn(view: View | null, cwd: string): View | null {
  const isOwn = ({ path, unlessIn }: Locked) => isWithin(cwd, path) || cwd === unlessIn;
  return view === null ? null : { ...view, locked: view.locked.filter((each) => !isOwn(each)) };
}

/**
 * Whoever saves a file by another in its place takes a cover on it away, and a program would see and write the new one. So the
 * program is ended then, and its job runs again. Sockets of others, which come and go, are not among them.
 */
function watchCovers(view: View | null, uncovered: AbortController): Disposable {
  const covered = view === null ? [] : openedFiles(coveredFiles(view));
  let cancel = () => {};
  const look = () => {
    const what = findReplaced(covered);
    if (what === null) cancel = afterUnref(LOOK_MS, look);
    else
      uncovered.abort(
        new AfkError(
          "cover_lost",
          `${what} while a program ran from which it is kept; the program was ended`,
          {
            retry: "later",
          },
        ),
      );
  };
  if (covered.length > 0) look();
  return { [Symbol.dispose]: () => cancel() };
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
