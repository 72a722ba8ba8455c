import { parseArgs } from "node:util";
import { assertNever } from "../lib/errors.ts";
import { nearest } from "../lib/nearest.ts";
import {
  type ArgDef,
  type ArgsDef,
  type Command,
  type CommandContext,
  type PositionalDef,
  UsageError,
} from "./command.ts";

/** Options that every command takes. `--json` joins them where a command declares it. */
export const GLOBAL_ARGS = {
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
const PROGRAM_ARGS: ArgsDef = { ...GLOBAL_ARGS, json: JSON_ARG };

type Value = string | number | boolean | string[] | undefined;

/** Every argument of the command, with those that all commands share. */
export function allArgs(command: Command): ArgsDef {
  return { ...command.args, ...(command.json ? { json: JSON_ARG } : {}), ...GLOBAL_ARGS };
}

/**
 * Reads the words after the command's name, strictly: citty's own parser takes unknown options, surplus
 * arguments and `--usd` without a value for granted, and a rail that was switched off by a typing error is none.
 *
 * @throws UsageError for an unknown, repeated, missing, surplus or malformed argument.
 */
export function readArguments(command: Command, words: readonly string[]): CommandContext["args"] {
  const args = allArgs(command);
  const { options, positionals } = split(args, words);
  const values: Record<string, Value> = {};
  for (const [name, def] of Object.entries(args)) {
    values[name] =
      def.type === "positional"
        ? takeWords(name, def, positionals)
        : readOption(name, def, options.get(name));
    if (values[name] === undefined && isRequired(def)) {
      throw new UsageError(`${def.type === "positional" ? name.toUpperCase() : `--${name}`} is missing.`);
    }
  }
  if (positionals.length > 0) throw new UsageError(`Unexpected argument "${positionals[0]}".`);
  const { help: _help, version: _version, ...given } = values;
  // The names and types were checked against the command's own definition just above.
  return { json: false, ...given } as CommandContext["args"];
}

/** True when the words ask for the option anywhere before `--`, whatever else is wrong with them. */
export function asksFor(name: "help" | "version" | "json", words: readonly string[]): boolean {
  const { tokens } = tokenize(PROGRAM_ARGS, words);
  return tokens.some((token) => token.kind === "option" && token.name === name);
}

/**
 * The place of the first word that is no option, which names a command; -1 when there is none.
 *
 * @param known The options that may stand before it.
 * @throws UsageError for another option before it: whether the next word is its value cannot be known.
 */
export function commandIndex(words: readonly string[], known: ArgsDef = PROGRAM_ARGS): number {
  for (const token of tokenize(known, words).tokens) {
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

function split(
  args: ArgsDef,
  words: readonly string[],
): { options: Map<string, Value>; positionals: string[] } {
  const options = new Map<string, Value>();
  const positionals: string[] = [];
  for (const token of tokenize(args, words).tokens) {
    if (token.kind === "positional") positionals.push(token.value);
    if (token.kind !== "option") continue;
    const def = Object.hasOwn(args, token.name) ? args[token.name] : undefined;
    if (def === undefined || def.type === "positional") {
      throw unknownOption(token, args);
    }
    if (options.has(token.name)) throw new UsageError(`--${token.name} is given twice.`);
    if (def.type === "boolean") {
      if (token.value !== undefined) throw new UsageError(`--${token.name} takes no value.`);
      options.set(token.name, true);
      continue;
    }
    options.set(token.name, wordOf(token));
  }
  return { options, positionals };
}

function takeWords(name: string, def: PositionalDef, positionals: string[]): Value {
  return def.isList ? positionals.splice(0) : readPositional(name, def, positionals.shift());
}

function wordOf(token: {
  name: string;
  value?: string | undefined;
  inlineValue?: boolean | undefined;
}): string {
  if (token.value === undefined) throw new UsageError(`--${token.name} needs a value.`);
  if (!token.inlineValue && token.value.startsWith("-")) {
    // `--reason --json` forgot the reason: the next option must not become its value.
    throw new UsageError(
      `--${token.name} needs a value; one that begins with a dash is written --${token.name}=${token.value}.`,
    );
  }
  return token.value;
}

function readPositional(name: string, def: PositionalDef, given: string | undefined): string | undefined {
  if (given === undefined || def.options === undefined || def.options.includes(given)) return given;
  throw new UsageError(
    `${name.toUpperCase()} is one of ${def.options.join(", ")}; not "${given}".${suggestion(given, def.options)}`,
  );
}

function readOption(name: string, def: Exclude<ArgDef, PositionalDef>, given: Value): Value {
  if (def.type === "boolean") return given === true;
  if (given === undefined) return def.default;
  const text = String(given);
  switch (def.type) {
    case "string":
      return text;
    case "enum":
      if (def.options.includes(text)) return text;
      throw new UsageError(
        `--${name} takes one of ${def.options.join(", ")}; not "${text}".${suggestion(text, def.options)}`,
      );
    case "number":
      return readNumber(name, def, text);
    default:
      return assertNever(def);
  }
}

function readNumber(name: string, def: Extract<ArgDef, { type: "number" }>, text: string): number {
  const value = /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  const isWhole = !def.integer || Number.isSafeInteger(value);
  if (
    Number.isFinite(value) &&
    isWhole &&
    value >= (def.min ?? -Infinity) &&
    value <= (def.max ?? Infinity)
  ) {
    return value;
  }
  const bounds = [
    def.min === undefined ? "" : ` of at least ${def.min}`,
    def.max === undefined ? "" : ` of at most ${def.max}`,
  ].filter((bound) => bound !== "");
  throw new UsageError(
    `--${name} takes a ${def.integer ? "whole " : ""}number${bounds.join(" and")}; not "${text}".`,
  );
}

function isRequired(def: ArgDef): boolean {
  if (def.type === "positional") return def.required !== false;
  return def.type !== "boolean" && def.required === true;
}

function unknownOption(token: { name: string; rawName: string }, args: ArgsDef): UsageError {
  const names = Object.keys(args).filter((name) => args[name]?.type !== "positional");
  return new UsageError(`Unknown option ${token.rawName}.${suggestion(token.name, names, "--")}`);
}

function tokenize(args: ArgsDef, words: readonly string[]) {
  const options: Record<string, { type: "string" | "boolean"; short?: string }> = {};
  for (const [name, def] of Object.entries(args)) {
    if (def.type === "positional") continue;
    options[name] = {
      type: def.type === "boolean" ? "boolean" : "string",
      ...(def.alias === undefined ? {} : { short: def.alias }),
    };
  }
  return parseArgs({ args: [...words], options, strict: false, tokens: true, allowPositionals: true });
}
