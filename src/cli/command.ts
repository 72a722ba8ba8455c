import { AfkError, EXIT } from "../lib/errors.ts";

/**
 * One command, or one group of commands, as a file in `cli/commands/` states it. A command has `run`; a group has
 * `subCommands` and, for its bare name, `default`. Only the named command runs, never its group as well.
 */
export interface Command<Args extends ArgsDef = ArgsDef> {
  meta: CommandMeta;
  args?: Args;
  /** The command answers in JSON on request: it takes `--json`, and its errors are JSON too. */
  json?: boolean;
  /** Resolves to the exit code; nothing is 0. What it throws is reported and becomes the exit code. */
  // biome-ignore lint/suspicious/noConfusingVoidType: a command that only prints returns nothing.
  run?(context: CommandContext<Args>): Promise<number | void> | number | void;
  subCommands?: Readonly<Record<string, Command>>;
  /** The name in `subCommands` that the bare group runs. */
  default?: string;
}

export interface CommandMeta {
  /** The whole name as it is typed after `afk`: `jobs list`. */
  name: string;
  description: string;
  /** Command lines that work, with the leading `afk`. */
  examples?: readonly string[];
}

export interface CommandContext<Args extends ArgsDef = ArgsDef> {
  args: ArgValues<Args> & GlobalValues;
  /** What the command is part of. */
  program: Program;
}

export interface Program {
  name: string;
  version: string;
  commands: CommandTable;
}

/** A command that is loaded only when it is named; its line in the help is stated beside it. */
export interface CommandEntry {
  group: string;
  description: string;
  load(): Promise<{ default: Command }>;
}

/** Commands by name, in the order in which the help lists them. */
export type CommandTable = Readonly<Record<string, CommandEntry>>;

/** What every command is given. `config` and `state` are as they were typed; `json` is false unless asked for. */
export interface GlobalValues {
  config: string | undefined;
  state: string | undefined;
  json: boolean;
}

/** Options by their name on the command line (`dry-run`), and positionals in the order they are typed. */
export type ArgsDef = Readonly<Record<string, ArgDef>>;

export type ArgDef = PositionalDef | BooleanDef | StringDef | NumberDef | EnumDef;

interface Described {
  description: string;
}

/** Required unless it says otherwise. */
export interface PositionalDef extends Described {
  type: "positional";
  required?: boolean;
  /** It takes all the words that are left, as a list that may be empty; the last one of a command can. */
  isList?: boolean;
  /** All that it may be; anything unless stated. */
  options?: readonly string[];
  /** It is the name of a job of afk.yaml, which a shell completes. */
  isJob?: boolean;
}

interface OptionDef extends Described {
  /** One letter: `w` is `-w`. */
  alias?: string;
}

export interface BooleanDef extends OptionDef {
  type: "boolean";
}

interface ValueOptionDef extends OptionDef {
  required?: boolean;
  /** What the help shows for the value: `ID`. */
  valueHint?: string;
}

export interface StringDef extends ValueOptionDef {
  type: "string";
  default?: string;
  /** It is the name of a job of afk.yaml, which a shell completes. */
  isJob?: boolean;
}

export interface NumberDef extends ValueOptionDef {
  type: "number";
  /** Bounds are inclusive. */
  min?: number;
  max?: number;
  integer?: boolean;
  default?: number;
}

export interface EnumDef extends ValueOptionDef {
  type: "enum";
  options: readonly string[];
  default?: string;
}

export type ArgValues<Args extends ArgsDef> = { -readonly [Name in keyof Args]: ArgValue<Args[Name]> };

type ArgValue<Def extends ArgDef> = Def extends PositionalDef
  ? Def["isList"] extends true
    ? string[]
    : Def["required"] extends false
      ? string | undefined
      : string
  : Def extends BooleanDef
    ? boolean
    : Def extends StringDef
      ? Given<Def, string>
      : Def extends NumberDef
        ? Given<Def, number>
        : Def extends EnumDef
          ? Given<Def, Def["options"][number]>
          : never;

type Given<Def, Value> = Def extends { required: true } | { default: Value } ? Value : Value | undefined;

/** The command line was wrong: exit code 2, and nothing was done. */
export class UsageError extends AfkError {
  constructor(message: string) {
    super("usage", message, { retry: "never", exitCode: EXIT.usage });
  }
}

/** States a command with the types of its arguments, which the frame then treats like any other. */
export function defineCommand<const Args extends ArgsDef = Record<never, never>>(
  command: Command<Args>,
): Command {
  return command;
}
