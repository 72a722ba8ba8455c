import { AfkError } from "../../lib/errors.ts";
import { createRedactor } from "../../lib/redact.ts";
import { joinSignals } from "../../lib/signals.ts";
import { type Ran, runContained } from "../containment/run-contained.ts";
import type { JobContext } from "../job.ts";
import { makeEnvironment } from "./environment.ts";
import { failureOf } from "./run-program.ts";
import { plainProgram } from "./settings.ts";

/** What a program beside the job's own needs of the job. */
export type AsideContext = Pick<
  JobContext,
  "name" | "variables" | "period" | "processes" | "view" | "log" | "signal"
>;

/** A program that helps the job: it reads something, or says whether there is anything to do. */
export interface Aside {
  command: string[];
  /** What errors call it, behind the job's name: the key of afk.yaml that has it. */
  label: string;
  /** Absolute. */
  cwd: string;
  env?: Record<string, string>;
  outputBytesMax: number;
  timeoutMs: number;
  /** Exit codes that are an answer; 0 alone unless stated. */
  answers?: readonly number[];
}

/**
 * Runs such a program, contained, with a clean environment, nothing on its standard input, and its own limit of time.
 * @throws AfkError for every end but an answer; the signal's reason.
 */
export async function runAside(
  context: AsideContext,
  aside: Aside,
): Promise<{ code: number; stdout: Ran["stdout"] }> {
  const { command, cwd, env: stated = {}, outputBytesMax, timeoutMs, answers = [0] } = aside;
  const settings = plainProgram({ command, env: stated, outputBytesMax });
  const { env, secrets } = makeEnvironment({ ...context, settings }, {}, null);
  const { log, processes: records, view } = context;
  const name = `${context.name}, ${aside.label}`;
  using limited = joinSignals([context.signal], timeoutMs);
  const { signal } = limited;
  try {
    const ran = await runContained(
      { command, cwd, env },
      { input: "", outputBytesMax, records, log, signal, network: "open", view },
    );
    const { end, stdout } = ran;
    if (end.type === "exited" && end.signal === null && end.code !== null && answers.includes(end.code))
      return { code: end.code, stdout };
    throw failureOf({ name, settings }, ran, createRedactor(secrets), {
      cwd,
      searchPath: env.PATH,
    });
  } catch (error) {
    if (!limited.isTimedOut()) throw error;
    const message = `job ${name}: ${command[0]} took longer than ${timeoutMs / 1_000} s and was ended`;
    throw new AfkError("exec_too_slow", message, { cause: error });
  }
}
