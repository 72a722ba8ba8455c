import { AfkError, EXIT } from "../lib/errors.ts";

/**
 * A command, or a group of commands, as its file in `cli/commands/` states it. A command has `run`; a group has
 * `subCommands` and, for its bare name, `default`. What a whole file is for stands in `cli/table.ts`; a command of a group
 * describes itself.
 */
export interface Command<Args extends ArgsDef = ArgsDef> extends Partial<Description> {
  args?: Args;
  /** The command answers in JSON on request: it takes `--json`, and its errors are JSON too. */
  json?: boolean;
  /** It raises, clears or approves something: refused to programs that a job runs. */
  isForPeople?: boolean;
  /** Resolves to the exit code; nothing is 0. What it throws is reported and becomes the exit code. */
  // biome-ignore lint/suspicious/noConfusingVoidType: a command that only prints returns nothing.
  run?(context: CommandContext<Args>): Promise<Result | number | void> | Result | number | void;
  subCommands?: Readonly<Record<string, Command>>;
  /** The name in `subCommands` that the bare group runs. */
  default?: string;
}

/** What a command found or did: one document for `--json`, lines for people otherwise. */
export interface Result {
  json: unknown;
  text: readonly string[];
  /** 0 unless stated. */
  exitCode?: number;
}

/** What help, completion and the table say about a command. */
export interface Description {
  /** One line. */
  description: string;
  /** What its own help says on top. */
  details?: string;
  /** Command lines that work, with the leading `afk`. */
  examples?: readonly string[];
}

/** What a command is given when it runs. */
export interface CommandContext<Args extends ArgsDef = ArgsDef> {
  args: { -readonly [Name in keyof Args]: ArgValue<Args[Name]> } & GlobalValues;
  program: Program;
}

/** The program that a command is part of. */
export interface Program {
  name: string;
  version: string;
  commands: CommandTable;
}

/** Commands by name, in the order in which the help lists them. */
export type CommandTable = Readonly<Record<string, CommandEntry>>;

/** A line of the table. The command's file is loaded only when the command is named. */
export interface CommandEntry extends Description {
  group: string;
  load(): Promise<{ default: Command }>;
}

/** What every command is given. `config` and `state` are as they were typed; `json` is false unless asked for. */
export interface GlobalValues {
  config: string | undefined;
  state: string | undefined;
  json: boolean;
}

/** Options by their name on the command line (`dry-run`), and positionals in the order in which they are typed. */
export type ArgsDef = Readonly<Record<string, ArgDef>>;

/** An argument as citty describes it, with numbers, lists and job names on top. */
export interface ArgDef {
  type: "positional" | "boolean" | "string" | "number" | "enum";
  description: string;
  /** One letter: `w` is `-w`. */
  alias?: string;
  /** Positionals are required unless they say false, options only when they say true. */
  required?: boolean;
  default?: string | number;
  /** What the help shows for the value: `ID`. A shell completes FILE and DIR. */
  valueHint?: string;
  /** All that an enum or a positional may be. */
  options?: readonly string[];
  /** Bounds of a number, inclusive. */
  min?: number;
  max?: number;
  integer?: boolean;
  /** A positional that takes all the words that are left; it is the last one. */
  isList?: boolean;
  /** It is a name of afk.yaml, which a shell completes: of a job, or of a client of the gateway. */
  names?: "jobs" | "clients";
}

type ArgValue<Def extends ArgDef> = Def extends { type: "boolean" }
  ? boolean
  : Def extends { isList: true }
    ? string[]
    : Def extends { type: "number" }
      ? Given<Def, number>
      : Def extends { type: "enum"; options: readonly (infer Option)[] }
        ? Given<Def, Option>
        : Given<Def, string>;

type Given<Def extends ArgDef, Value> = Def extends { default: string | number } | { required: true }
  ? Value
  : Def extends { type: "positional"; required: false }
    ? Value | undefined
    : Def extends { type: "positional" }
      ? Value
      : Value | undefined;

/** Options that every command takes. */
const GLOBAL_ARGS = {
  config: {
    type: "string",
    valueHint: "FILE",
    description: "The configuration (AFK_CONFIG, else ./afk.yaml)",
  },
  state: {
    type: "string",
    valueHint: "DIR",
    description: "The state directory (AFK_STATE, else state/ beside afk.yaml)",
  },
  help: { type: "boolean", alias: "h", description: "Shows this help" },
  version: { type: "boolean", alias: "v", description: "Shows the version" },
} as const satisfies ArgsDef;

const JSON_ARG = { type: "boolean", description: "Prints the result as JSON" } as const satisfies ArgDef;

/** What may stand before the name of a command. */
export const PROGRAM_ARGS: ArgsDef = { ...GLOBAL_ARGS, json: JSON_ARG };

/** `--limit` of every command that lists the newest of what may be many. */
export const LIMIT = {
  type: "number",
  integer: true,
  min: 1,
  max: 10_000,
  default: 50,
  description: "At most so many",
} as const satisfies ArgDef;

/** The command line was wrong: exit code 2, and nothing was done. */
export class UsageError extends AfkError {
  constructor(message: string) {
    super("usage", message, { retry: "never", exitCode: EXIT.usage });
  }
}

/** Of a command whose result may be bad news. */
export function exitCode(isWell: boolean): number {
  return isWell ? EXIT.ok : EXIT.failed;
}

/** States a command with the types of its arguments. */
export function defineCommand<const Args extends ArgsDef = Record<never, never>>(
  command: Command<Args>,
): Command {
  return command;
}

/** The command of a group that its bare name runs. */
export function defaultOf(command: Command): Command | undefined {
  return command.default === undefined ? undefined : command.subCommands?.[command.default];
}

/** Every argument that can be typed after the command: a bare group takes what its default takes. */
export function allArgs(command: Command): ArgsDef {
  const { args, json } = defaultOf(command) ?? command;
  return { ...args, ...(json ? { json: JSON_ARG } : {}), ...GLOBAL_ARGS };
}
