import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { AfkError, messageOf } from "../../lib/errors.ts";
import { chargeMicrosFromUsd } from "../../lib/money.ts";
import { createRedactor, type Redact } from "../../lib/redact.ts";
import { joinSignals } from "../../lib/signals.ts";
import { oneLine } from "../../lib/text.ts";
import { PermanentFailure } from "../../queue/job.ts";
import { RunCapped } from "../../rails/halt.ts";
import { type Ran, runContained } from "../containment/run-contained.ts";
import type { Service } from "../containment/supervised.ts";
import type { JobContext, RunFolder } from "../job.ts";
import { startProblem } from "./command-advice.ts";
import { secretsAmong } from "./env-file.ts";
import { makeEnvironment } from "./environment.ts";
import { gatewayEnvironment } from "./gateway-environment.ts";
import { refuseHidden } from "./hidden.ts";
import type { RunNetwork } from "./network-words.ts";
import { headAndTail } from "./output.ts";
import { proxyEnvironment } from "./proxy-environment.ts";
import {
  BadResult,
  costUsdOf,
  type HandedIn,
  RESULT_FILE,
  readHandedIn,
  readResultFile,
} from "./result-file.ts";
import type { ProgramSettings } from "./settings.ts";

type Context = JobContext<ProgramSettings>;

/** What is recorded of a program that ended well; one that did not has to run again. */
export interface ProgramRun {
  code: 0;
  signal: null;
  stdout: string;
  stderr: string;
  truncated: boolean;
  durationMs: number;
  /** What receivers may read of its output. Not there in what an older version has recorded. */
  printed?: string;
  /** At its gateway, where it has one. */
  requests?: number;
  /** Micro-dollars that the run was charged there so far. */
  costMicros?: number;
  /** What it wrote into the file of AFK_RESULT. */
  handed?: HandedIn | null;
  /** Left out where it had the machine's. */
  network?: RunNetwork;
}

/** A program that ended well, with the secrets of its run, and what takes them and others out of a text of at most 100,000 characters. */
interface Finished {
  ran: ProgramRun;
  secrets: readonly string[];
  redact: Redact;
  /** The cap that refused its latest request; null where something else came of that, or it had no gateway. */
  capped: RunCapped | null;
}

/** How a program starts. */
export interface ProgramStart {
  cwd: string;
  /** Stands on its standard input, which then ends. */
  input: string;
  /** The run's. Programs find settings there, and leave their result. */
  folder: RunFolder;
  /** Set for this program besides what its job's settings say, which win. */
  env?: Record<string, string>;
}

/**
 * Runs the program of a job, with models for it where its settings say so, which are there as long as it runs.
 * @throws RunCapped where it failed after a cap refused its last request; AfkError for every other end but exit 0.
 */
export async function runProgram(context: Context, start: ProgramStart): Promise<Finished> {
  return context.settings.hasGateway ? await runBehind(context, start) : await runOnce(context, start);
}

async function runBehind(context: Context, start: ProgramStart): Promise<Finished> {
  await using gateway = await context.openGateway();
  using joined = joinSignals([context.signal, gateway.signal]);
  try {
    const { signal } = joined;
    const variables = gatewayEnvironment({ ...gateway, home: start.folder.path });
    const { service } = gateway;
    const done = await runOnce(context, start, {
      variables,
      secrets: [gateway.key],
      signal,
      services: [service],
    });
    const asked = { requests: gateway.requests(), costMicros: await gateway.costMicros() };
    return { ...done, ran: { ...done.ran, ...asked }, capped: gateway.refusedBy() };
  } catch (error) {
    // It went wrong because it was refused: there is nothing to mend, and it is tried again when there is room.
    const capped = joined.signal.aborted ? null : gateway.refusedBy();
    if (capped === null) throw error;
    const message = `${messageOf(error)}; its last request was refused: ${capped.message}`;
    throw new RunCapped(message, capped.afterMs, capped.refusal);
  } finally {
    if (gateway.requests() === 0 && !joined.signal.aborted)
      context.log.event("warn", "gateway_unused", { name: context.name });
  }
}

/** What a gateway adds to a run. */
interface Behind {
  variables: Record<string, string>;
  secrets: string[];
  signal: AbortSignal;
  services: Service[];
}

async function runOnce(context: Context, start: ProgramStart, behind?: Behind): Promise<Finished> {
  const { settings, processes: records, log, view } = context;
  const { cwd, input } = start;
  const { variables = {}, secrets = [], signal = context.signal, services = [] } = behind ?? {};
  await using proxy = settings.network === "allowlist" ? await context.openProxy(settings) : null;
  const isClosed = settings.network !== "open";
  const resultFile = join(start.folder.path, RESULT_FILE);
  const { env, secrets: ofFile } = makeEnvironment(
    context,
    { ...variables, ...(await proxyEnvironment(proxy)), ...start.env },
    resultFile,
  );
  const { outputBytesMax, command } = settings;
  const visible = settings.isStateVisible ? null : { ...view, kept: [...view.kept, start.folder.path] };
  await refuseHidden(context.name, { command, cwd, view: visible });
  const ran = await runContained(
    { command, cwd, env },
    {
      ...{ input, outputBytesMax, records, log, signal },
      network: isClosed ? [...services, ...(proxy === null ? [] : [proxy.service])] : "open",
      view: visible,
    },
  );
  logEnd(context, ran);
  // The secrets of its own files are known here alone.
  const ownSecrets = [...ofFile, ...secrets, ...(proxy === null ? [] : [new URL(proxy.url).password])];
  const known = secretsAmong(ownSecrets);
  const redact = createRedactor(ownSecrets);
  const handed = await readResult(context, resultFile, ran, known);
  if (ran.end.type !== "exited" || ran.end.code !== 0)
    throw failureOf(context, ran, redact, { cwd, searchPath: env.PATH });
  const recorded: ProgramRun = {
    code: 0,
    signal: null,
    stdout: ran.stdout.text,
    stderr: ran.stderr.text,
    truncated: ran.stdout.isCut || ran.stderr.isCut,
    durationMs: ran.durationMs,
    printed: headAndTail(ran.stdout.text, redact),
    handed,
    ...(isClosed && { network: { isEnforced: ran.enclosed.hasOwnNetwork, refused: proxy?.refused() ?? [] } }),
  };
  return { ran: recorded, secrets: known, redact, capped: null };
}

/** What it has spent is charged however it ended, and whatever else is wrong with what it wrote. */
async function readResult(
  { name, charge }: Context,
  path: string,
  { end }: Ran,
  secrets: readonly string[],
): Promise<HandedIn | null> {
  try {
    const written = readResultFile(name, path, secrets);
    const costUsd = costUsdOf(written);
    if (costUsd > 0) await charge(chargeMicrosFromUsd(costUsd));
    return readHandedIn(name, written);
  } catch (error) {
    // How it ended says more than a file that it has left unfinished.
    if (error instanceof BadResult && (end.type !== "exited" || end.code !== 0)) return null;
    throw error;
  }
}

/** Sizes alone: what a command writes is data, and may be anything. */
function logEnd(context: Context, ran: Ran): void {
  const isClean = ran.unkillable === 0;
  context.log.event(isClean ? "info" : "error", "exec_ended", {
    end: ran.end.type,
    containment: ran.containment,
    ...(ran.end.type === "exited" ? { code: ran.end.code, signal: ran.end.signal } : {}),
    stdoutBytes: ran.stdout.bytes,
    stderrBytes: ran.stderr.bytes,
    truncated: ran.stdout.isCut || ran.stderr.isCut,
    durationMs: ran.durationMs,
    leftBehind: ran.leftBehind,
    unkillable: ran.unkillable,
  });
}

/** Refusals of the system that do not heal by waiting; others, such as a lack of memory, do. */
const PERMANENT = /^(?:ENOENT|EACCES|ENOTDIR|EPERM|ELOOP|ENAMETOOLONG|ENOEXEC|E2BIG)$/;

/** A prompt with a payload below it, as a rule: on Linux one argument has 128 KiB at most. */
const TOO_LONG = {
  found: "its command line is longer than the system takes",
  mend: "write {prompt_file} in place of {prompt}, or have it read its standard input",
};

/** What is wrong with a run that did not end with exit 0. */
export function failureOf(
  { name, settings }: { name: string; settings: Pick<ProgramSettings, "command"> },
  { end, stderr }: Ran,
  redact: Redact,
  at: { cwd: string; searchPath: string | undefined },
): AfkError {
  const program = settings.command[0];
  if (end.type === "lost") {
    return new AfkError("exec_lost", `job ${name}: ${program} was killed together with its supervisor`);
  }
  if (end.type === "unstarted") {
    const why = end.code || `${end.message}${redact(lastOf(stderr.text))}`;
    const message = `job ${name}: ${program} could not be started (${why})`;
    if (!PERMANENT.test(end.code)) return new AfkError("exec_unstarted", message);
    const problem = end.code === "E2BIG" ? TOO_LONG : startProblem(settings.command, at.cwd, at.searchPath);
    const { found, mend } = problem ?? { found: "the system refused it", mend: "mend command in afk.yaml" };
    return new PermanentFailure("exec_unstarted", `${message}: ${found}; ${mend}`);
  }
  const { code, signal } = end;
  const how = signal === null ? `${program} exited with ${code}` : `${program} was ended by ${signal}`;
  return new AfkError("exec_failed", `job ${name}: ${how}${redact(lastOf(stderr.text))}`);
}

const STDERR_CHARS_MAX = 500;

/** The end of what it wrote to standard error, on one line and without control characters. */
function lastOf(stderr: string): string {
  const tail = stripVTControlCharacters(stderr.slice(-8 * STDERR_CHARS_MAX));
  const words = oneLine(tail, tail.length).slice(-STDERR_CHARS_MAX).trimStart().toWellFormed();
  return words === "" ? "" : `: ${words}`;
}
