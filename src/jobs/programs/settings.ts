import * as v from "valibot";
import type { Config } from "../../config/config.ts";
import type { ConfigIssue } from "../../config/errors.ts";
import { integer, list, text } from "../../config/fields.ts";
import { shellProblem } from "./command-advice.ts";
import { isProviderKey, REFUSED_KEY } from "./gateway-environment.ts";
import { checkNetwork, type NetworkSettings } from "./network-settings.ts";

const WRITE_COMMAND =
  'write a program and its arguments as a list of 1 to 200 texts; there is no shell but one that is named, as in [sh, -c, "df -h | head"]';
const WRITE_ENV =
  "write names of letters, digits and _ with texts, for example { REPORT: weekly }; AFK_JOB, AFK_PERIOD, AFK_RESULT and AFK_EXEC are set by afk";

/** Names that a variable of the program may have; those that afk sets are not among them. */
export const VARIABLE_NAME = /^(?!AFK_(?:JOB|PERIOD|EXEC|RESULT)$)[A-Za-z_][A-Za-z0-9_]{0,199}$/;

/** The system ends a text at its first NUL. */
const NO_NUL = /^[^\0]*$/;

/** The keys of every kind of job that runs a program of the owner's. */
export const programEntries = {
  command: list(
    "The program and its arguments. There is no shell but the one that is named here.",
    WRITE_COMMAND,
    text("The program, or one argument.", WRITE_COMMAND, NO_NUL, 32_000),
    200,
  ),
  env: v.optional(
    v.pipe(
      v.record(
        v.pipe(v.string(WRITE_ENV), v.regex(VARIABLE_NAME, WRITE_ENV)),
        text("Value of the variable.", WRITE_ENV, NO_NUL, 32_000),
        WRITE_ENV,
      ),
      v.description("Environment variables for the command, besides the few that every program expects."),
    ),
    {},
  ),
  max_output_kb: v.optional(
    integer(
      "Output that is kept, of each of the two streams.",
      "how many kilobytes of output to keep",
      [1, 1024],
    ),
    256,
  ),
};

/** What is to be known of a program of the owner's, as its job's entry says it. */
export interface ProgramSettings extends NetworkSettings {
  command: string[];
  env: Record<string, string>;
  /** Bytes kept of standard output, and of standard error; the rest is read and dropped. */
  outputBytesMax: number;
}

/** What a shell would act on is refused: passed on as it is, `&&` would be printed by echo, and the command count as done. */
function shellIssues(command: readonly string[]): ConfigIssue[] {
  const problem = shellProblem(command);
  if (problem === null) return [];
  return [{ path: `command[${problem.index}]`, message: `${problem.found}; ${problem.mend}` }];
}

/** The parser of a list cannot ask more of its first item than of the others, nor of one key because of another. */
export function checkProgram(settings: ProgramSettings, config: Config): ConfigIssue[] {
  const { command, env, hasGateway } = settings;
  const issues = command[0] === "" ? [{ path: "command[0]", message: `found ""; ${WRITE_COMMAND}` }] : [];
  const keys = hasGateway ? Object.keys(env).filter(isProviderKey) : [];
  return [
    ...issues,
    ...shellIssues(command),
    ...checkNetwork(settings, config),
    ...keys.map((key) => ({ path: `env.${key}`, message: `stands beside gateway: true; ${REFUSED_KEY}` })),
  ];
}

/** A program beside the job's own: without models, and with the network as the machine has it. */
export function plainProgram(
  own: Pick<ProgramSettings, "command" | "env" | "outputBytesMax">,
): ProgramSettings {
  return { ...own, hasGateway: false, network: "open", allow: null, isStateVisible: false };
}
