import { systemClock } from "../lib/clock.ts";
import { AfkError, assert, EXIT, messageOf } from "../lib/errors.ts";
import { visibleLines } from "../lib/visible.ts";
import { allArgs, asksFor, commandIndex, readArguments, suggestion } from "./arguments.ts";
import { type Command, type Program, UsageError } from "./command.ts";
import { doesPutWorkFirst, lostOutput, printJson, printLines } from "./output.ts";
import { renderCommand, renderTable } from "./usage.ts";

/** Runs the command that the words name and gives the exit code (DESIGN.md, section 12). Throws nothing. */
export async function runCli(program: Program, words: readonly string[]): Promise<number> {
  let called = program.name;
  try {
    const first = commandIndex(words);
    if (first === -1) return answerBare(program, words);
    const name = words[first] ?? "";
    const entry = Object.hasOwn(program.commands, name) ? program.commands[name] : undefined;
    if (entry === undefined) throw unknownCommand(name, program.commands);
    called += ` ${name}`;
    const { default: command } = await entry.load();
    return await runCommand(program, command, words.toSpliced(first, 1));
  } catch (error) {
    return report(error, called, asksFor("json", words));
  }
}

/**
 * Ends the process, after what was written has left it: a pipe may still hold lines when the last command
 * returns, and a forgotten timer or socket must not keep a worker alive.
 */
export async function finish(code: number): Promise<never> {
  process.exitCode = code;
  const written = Promise.all([drained(process.stdout), drained(process.stderr)]);
  // A person may read page by page; but a worker must be gone though nobody reads its log.
  await (doesPutWorkFirst() ? Promise.race([written, systemClock.sleep(UNREAD_MS)]) : written);
  const lost = lostOutput();
  if (lost !== null) {
    printLines([`standard output could not be written: ${messageOf(lost)}`], process.stderr);
    await drained(process.stderr);
  }
  process.exit(lost !== null && code === EXIT.ok ? EXIT.failed : code);
}

/** How long what a worker has said may take to leave it. */
const UNREAD_MS = 1_000;

async function runCommand(program: Program, command: Command, words: readonly string[]): Promise<number> {
  if (asksFor("version", words)) {
    printLines([program.version]);
    return EXIT.ok;
  }
  if (asksFor("help", words)) {
    printLines([await renderCommand(program.name, namedFor(command, words))]);
    return EXIT.ok;
  }
  if (command.subCommands !== undefined)
    return runCommand(program, ...descend(command.subCommands, command, words));
  assert(command.run !== undefined, `the command ${command.meta.name} has nothing to run`);
  return (await command.run({ args: readArguments(command, words), program })) ?? EXIT.ok;
}

/** Without a command: the help, which is a success only for who asked for it. */
function answerBare(program: Program, words: readonly string[]): number {
  if (asksFor("version", words)) {
    printLines([program.version]);
    return EXIT.ok;
  }
  const help = renderTable(program.name, program.version, program.commands);
  if (asksFor("help", words)) {
    printLines([help]);
    return EXIT.ok;
  }
  printLines([help], process.stderr);
  return EXIT.usage;
}

/** The command within a group that the words name, or the group's default; and the words without that name. */
function descend(
  subCommands: Readonly<Record<string, Command>>,
  group: Command,
  words: readonly string[],
): [Command, readonly string[]] {
  const fallback = group.default === undefined ? undefined : subCommands[group.default];
  const index = commandIndex(words, fallback === undefined ? undefined : allArgs(fallback));
  const name = index === -1 ? group.default : words[index];
  if (name === undefined) {
    throw new UsageError(`Say what to do: ${Object.keys(subCommands).join(", ")}.`);
  }
  const sub = Object.hasOwn(subCommands, name) ? subCommands[name] : undefined;
  // Where the default takes any number of words, one that names no command is the first of those.
  if (sub === undefined && fallback !== undefined && takesList(fallback)) return [fallback, words];
  if (sub === undefined) throw unknownCommand(name, subCommands);
  return [sub, index === -1 ? words : words.toSpliced(index, 1)];
}

function takesList({ args = {} }: Command): boolean {
  return Object.values(args).some((def) => def.type === "positional" && def.isList === true);
}

function unknownCommand(name: string, among: object): UsageError {
  const names = Object.keys(among);
  return new UsageError(
    `Unknown command "${name}".${suggestion(name, names) || ` There are: ${names.join(", ")}.`}`,
  );
}

/** Help is given for the nearest thing that was named, even when the rest of the line is wrong. */
function namedFor(command: Command, words: readonly string[]): Command {
  const name = words.find((word) => Object.hasOwn(command.subCommands ?? {}, word));
  return (name === undefined ? undefined : command.subCommands?.[name]) ?? command;
}

function report(error: unknown, called: string, asJson: boolean): number {
  const isExpected = error instanceof AfkError;
  if (asJson) {
    printJson({ error: { code: isExpected ? error.code : "unexpected", message: messageOf(error) } });
  }
  const lines = [isExpected ? `${called}: ${visibleLines(error.message)}` : stackOf(error)];
  if (error instanceof UsageError) lines.push(`Run "${called} --help" for what it takes.`);
  printLines(lines, process.stderr);
  return isExpected ? error.exitCode : EXIT.failed;
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return `afk bug: thrown without an error: ${String(error)}`;
  const cause = error.cause === undefined ? "" : `\nCaused by: ${stackOf(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}

/** Resolves when everything written so far has been handed to the system, or can no longer be. */
function drained(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed || !stream.writable) resolve();
    else stream.write("", () => resolve());
  });
}
