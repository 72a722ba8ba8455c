import { parseArgs } from "node:util";
import { type ArgsDef as CittyArgs, runCommand } from "citty";
import { EXIT } from "../lib/errors.ts";
import { nearest } from "../lib/nearest.ts";
import {
  type ArgDef,
  type ArgsDef,
  allArgs,
  type Command,
  type CommandContext,
  PROGRAM_ARGS,
  type Program,
  UsageError,
} from "./command.ts";
import { printJson, printLines } from "./output.ts";

/*
 * citty parses the words and runs the command. By itself it accepts unknown options, surplus arguments, `--usd` without
 * a value, and reads `--no-send` as the opposite of `--send`; it also gives no exit codes. A safety that was switched off
 * by a typing error is none, so the words are checked before citty sees them.
 */

/** Runs one command that is no group, and gives its exit code. @throws UsageError and whatever the command throws. */
export async function runStrictly(
  program: Program,
  command: Command,
  words: readonly string[],
): Promise<number> {
  const args = allArgs(command);
  const given = checkWords(args, words);
  const { result } = await runCommand(
    {
      args: cittyArgs(args),
      run: async ({ args: parsed }) => {
        const values = typedValues(args, parsed, given);
        return show(await command.run?.({ args: values, program }), values.json);
      },
    },
    { rawArgs: [...words] },
  );
  return typeof result === "number" ? result : EXIT.ok;
}

/** Prints what a command gave to be printed, and gives the exit code. */
function show(result: Awaited<ReturnType<NonNullable<Command["run"]>>>, asJson: boolean): number {
  if (typeof result !== "object") return result ?? EXIT.ok;
  if (asJson) printJson(result.json);
  else printLines(result.text);
  return result.exitCode ?? EXIT.ok;
}

/**
 * Checks every word against the arguments that a command takes, and gives the names of the options that stand there.
 * @throws UsageError for an unknown, repeated, missing, surplus or malformed argument.
 */
export function checkWords(args: ArgsDef, words: readonly string[]): ReadonlySet<string> {
  const given = new Set<string>();
  const positionals: string[] = [];
  for (const token of tokenize(args, words)) {
    if (token.kind === "positional") positionals.push(token.value);
    if (token.kind === "option") checkOption(args, given, token);
  }
  for (const [name, def] of Object.entries(args)) {
    if (def.isList) positionals.length = 0;
    else if (def.type === "positional") checkPositional(name, def, positionals.shift());
    else if (def.required && !given.has(name)) throw new UsageError(`--${name} is missing.`);
  }
  if (positionals.length > 0) throw new UsageError(`Unexpected argument "${positionals[0]}".`);
  return given;
}

/** True when the words ask for the option anywhere before `--`, whatever else is wrong with them. */
export function asksFor(name: "help" | "version" | "json", words: readonly string[]): boolean {
  return tokenize(PROGRAM_ARGS, words).some((token) => token.kind === "option" && token.name === name);
}

/**
 * The place of the first word that is no option, which names a command; -1 when there is none.
 *
 * @param known The options that may stand before it.
 * @throws UsageError for another option before it: whether the next word is its value cannot be known.
 */
export function commandIndex(words: readonly string[], known: ArgsDef = PROGRAM_ARGS): number {
  for (const token of tokenize(known, words)) {
    if (token.kind === "positional") return token.index;
    if (token.kind === "option" && !Object.hasOwn(known, token.name)) throw unknownOption(token, known);
  }
  return -1;
}

/** ` Did you mean "x"?`, or nothing. */
export function suggestion(word: string, candidates: readonly string[], prefix = ""): string {
  const match = nearest(word, candidates);
  return match === null ? "" : ` Did you mean ${prefix}${match}?`;
}

/** The arguments in citty's own terms; it knows no numbers. */
export function cittyArgs(args: ArgsDef): CittyArgs {
  return Object.fromEntries(
    Object.entries(args).map(([name, { type, default: usual, options, ...def }]) => [
      name,
      {
        ...def,
        type: type === "number" ? "string" : type,
        ...(usual !== undefined && { default: String(usual) }),
        ...(options !== undefined && type === "enum" && { options: [...options] }),
      } as CittyArgs[string],
    ]),
  );
}

interface OptionToken {
  name: string;
  rawName: string;
  value?: string | undefined;
  inlineValue?: boolean | undefined;
}

function tokenize(args: ArgsDef, words: readonly string[]) {
  const options: Record<string, { type: "string" | "boolean"; short?: string }> = {};
  for (const [name, { type, alias }] of Object.entries(args)) {
    if (type === "positional") continue;
    options[name] = {
      type: type === "boolean" ? "boolean" : "string",
      ...(alias !== undefined && { short: alias }),
    };
  }
  return parseArgs({ args: [...words], options, strict: false, tokens: true, allowPositionals: true }).tokens;
}

function checkOption(args: ArgsDef, given: Set<string>, token: OptionToken): void {
  const { name } = token;
  const def = Object.hasOwn(args, name) ? args[name] : undefined;
  if (def === undefined || def.type === "positional") throw unknownOption(token, args);
  if (given.has(name)) throw new UsageError(`--${name} is given twice.`);
  given.add(name);
  if (def.type !== "boolean") checkValue(name, def, token);
  else if (token.value !== undefined) throw new UsageError(`--${name} takes no value.`);
}

function checkValue(name: string, def: ArgDef, { value, inlineValue }: OptionToken): void {
  if (value === undefined) throw new UsageError(`--${name} needs a value.`);
  // `--reason --json` forgot the reason: the next option must not become its value.
  if (!inlineValue && value.startsWith("-"))
    throw new UsageError(
      `--${name} needs a value; one that begins with a dash is written --${name}=${value}.`,
    );
  if (def.type === "number") checkNumber(name, def, value);
  if (def.type === "enum") checkChoice(`--${name} takes one of`, def, value);
}

function checkPositional(name: string, def: ArgDef, value: string | undefined): void {
  if (value !== undefined) checkChoice(`${name.toUpperCase()} is one of`, def, value);
  else if (def.required !== false) throw new UsageError(`${name.toUpperCase()} is missing.`);
}

function checkChoice(rule: string, { options }: ArgDef, value: string): void {
  if (options === undefined || options.includes(value)) return;
  throw new UsageError(`${rule} ${options.join(", ")}; not "${value}".${suggestion(value, options)}`);
}

function checkNumber(name: string, { min, max, integer }: ArgDef, text: string): void {
  const value = /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  const isKind = integer ? Number.isSafeInteger(value) : Number.isFinite(value);
  if (isKind && value >= (min ?? -Infinity) && value <= (max ?? Infinity)) return;
  const bounds = [
    ...(min === undefined ? [] : [` of at least ${min}`]),
    ...(max === undefined ? [] : [` of at most ${max}`]),
  ];
  throw new UsageError(
    `--${name} takes a ${integer ? "whole " : ""}number${bounds.join(" and")}; not "${text}".`,
  );
}

function unknownOption({ name, rawName }: OptionToken, args: ArgsDef): UsageError {
  const names = Object.keys(args).filter((each) => args[each]?.type !== "positional");
  return new UsageError(`Unknown option ${rawName}.${suggestion(name, names, "--")}`);
}

/** What citty parsed, with switches that are false unless given, numbers and lists. */
function typedValues(
  args: ArgsDef,
  parsed: Record<string, unknown> & { _: string[] },
  given: ReadonlySet<string>,
): CommandContext["args"] {
  const positionals = Object.keys(args).filter((name) => args[name]?.type === "positional");
  const values = Object.entries(args).map(([name, def]) => {
    if (def.type === "boolean") return [name, given.has(name)];
    if (def.isList) return [name, parsed._.slice(positionals.indexOf(name))];
    return [name, def.type === "number" && parsed[name] !== undefined ? Number(parsed[name]) : parsed[name]];
  });
  const { help: _help, version: _version, ...rest } = Object.fromEntries(values);
  // The names and types were checked against the command's own definition.
  return { json: false, ...rest } as CommandContext["args"];
}
