import { parseArgs } from "node:util";
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

/** Runs one command that is no group, prints its result, and gives its exit code. @throws UsageError and whatever the command throws. */
export async function runStrictly(
  program: Program,
  command: Command,
  words: readonly string[],
): Promise<number> {
  const args = readWords(allArgs(command), words);
  const result = await command.run?.({ args, program });
  if (typeof result !== "object") return result ?? EXIT.ok;
  if (args.json) printJson(result.json);
  else printLines(result.text);
  return result.exitCode ?? EXIT.ok;
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

/**
 * The values of a command's arguments. A safety that was switched off by a typing error is none, so nothing is guessed.
 * @throws UsageError for an unknown, repeated, missing, surplus or malformed argument.
 */
export function readWords(args: ArgsDef, words: readonly string[]): CommandContext["args"] {
  const values: Record<string, unknown> = {};
  const positionals: string[] = [];
  for (const token of tokenize(args, words)) {
    if (token.kind === "positional") positionals.push(token.value);
    if (token.kind !== "option") continue;
    const { name } = token;
    const def = Object.hasOwn(args, name) ? args[name] : undefined;
    if (def === undefined || def.type === "positional") throw unknownOption(token, args);
    if (Object.hasOwn(values, name)) throw new UsageError(`--${name} is given twice.`);
    values[name] = optionValue(def, token);
  }
  for (const [name, def] of Object.entries(args)) {
    if (def.isList) values[name] = positionals.splice(0);
    else if (def.type === "positional") values[name] = positionalValue(name, def, positionals.shift());
    else if (def.required && !Object.hasOwn(values, name)) throw new UsageError(`--${name} is missing.`);
    else values[name] ??= def.type === "boolean" ? false : def.default;
  }
  if (positionals.length > 0) throw new UsageError(`Unexpected argument "${positionals[0]}".`);
  const { help: _help, version: _version, ...rest } = values;
  // The names and types were checked against the command's own definition.
  return { json: false, ...rest } as CommandContext["args"];
}

function optionValue(def: ArgDef, { name, value, inlineValue }: OptionToken): string | number | boolean {
  if (def.type === "boolean") {
    if (value !== undefined) throw new UsageError(`--${name} takes no value.`);
    return true;
  }
  if (value === undefined) throw new UsageError(`--${name} needs a value.`);
  // `--reason --json` forgot the reason: the next option must not become its value.
  if (!inlineValue && value.startsWith("-"))
    throw new UsageError(
      `--${name} needs a value; one that begins with a dash is written --${name}=${value}.`,
    );
  if (def.type === "number") return numberOf(name, def, value);
  if (def.type === "enum") checkChoice(`--${name} takes one of`, def, value);
  return value;
}

function positionalValue(name: string, def: ArgDef, value: string | undefined): string | undefined {
  if (value !== undefined) checkChoice(`${name.toUpperCase()} is one of`, def, value);
  else if (def.required !== false) throw new UsageError(`${name.toUpperCase()} is missing.`);
  return value;
}

function checkChoice(rule: string, { options }: ArgDef, value: string): void {
  if (options === undefined || options.includes(value)) return;
  throw new UsageError(`${rule} ${options.join(", ")}; not "${value}".${suggestion(value, options)}`);
}

function numberOf(name: string, { min, max, integer }: ArgDef, text: string): number {
  const value = /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  const isKind = integer ? Number.isSafeInteger(value) : Number.isFinite(value);
  if (isKind && value >= (min ?? -Infinity) && value <= (max ?? Infinity)) return value;
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
