import { systemClock } from "../lib/clock.ts";
import { AfkError, EXIT, messageOf } from "../lib/errors.ts";
import { visibleLines } from "../lib/visible.ts";
import { allArgs, type Command, defaultOf, type Program, UsageError } from "./command.ts";
import { commandHelp, programHelp } from "./help.ts";
import { refuseInsideRun, withHint } from "./inside-run.ts";
import { doesPutWorkFirst, lostOutput, printJson, printLines } from "./output.ts";
import { asksFor, commandIndex, runStrictly, suggestion } from "./strict.ts";

/** Runs the command that the words name and gives the exit code. Throws nothing. */
export async function runCli(program: Program, words: readonly string[]): Promise<number> {
  let called = program.name;
  try {
    const first = commandIndex(words);
    const name = words[first];
    if (name !== undefined && !Object.hasOwn(program.commands, name))
      throw unknownCommand(name, program.commands);
    const entry = name === undefined ? undefined : program.commands[name];
    if (asksFor("version", words)) {
      printLines([program.version]);
      return EXIT.ok;
    }
    const isHelp = asksFor("help", words);
    if (name === undefined || entry === undefined) {
      // Without a command: the help, which is a success only where it was asked for.
      printLines([programHelp(program)], isHelp ? process.stdout : process.stderr);
      return isHelp ? EXIT.ok : EXIT.usage;
    }
    called += ` ${name}`;
    const { load, group: _group, ...description } = entry;
    const command = { ...description, ...(await load()).default };
    const rest = words.toSpliced(first, 1);
    if (!isHelp) {
      const [named, left] = descend(command, rest);
      if (named.isForPeople) refuseInsideRun([program.name, name, ...rest].join(" "));
      return await runStrictly(program, named, left);
    }
    // Help is given for the nearest command that was named, even when the rest of the line is wrong.
    const { subCommands = {} } = command;
    const sub = rest.find((word) => Object.hasOwn(subCommands, word)) ?? "";
    printLines([await commandHelp(`${called} ${sub}`.trimEnd(), subCommands[sub] ?? command)]);
    return EXIT.ok;
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

/** How long a worker waits for a reader of what it printed. */
const UNREAD_MS = 1_000;

/** Of a group the command that the words name, or its default; and the words without that name. */
function descend(group: Command, words: readonly string[]): [Command, readonly string[]] {
  const { subCommands } = group;
  if (subCommands === undefined) return [group, words];
  const fallback = defaultOf(group);
  const index = commandIndex(words, fallback === undefined ? undefined : allArgs(fallback));
  const name = index === -1 ? group.default : words[index];
  if (name === undefined) throw new UsageError(`Say what to do: ${Object.keys(subCommands).join(", ")}.`);
  const sub = Object.hasOwn(subCommands, name) ? subCommands[name] : undefined;
  if (sub !== undefined) return [sub, index === -1 ? words : words.toSpliced(index, 1)];
  // Where the default takes any number of words, one that names no command is the first of those.
  if (fallback !== undefined && Object.values(fallback.args ?? {}).some(({ isList }) => isList))
    return [fallback, words];
  throw unknownCommand(name, subCommands);
}

function unknownCommand(name: string, among: object): UsageError {
  const names = Object.keys(among);
  return new UsageError(
    `Unknown command "${name}".${suggestion(name, names) || ` There are: ${names.join(", ")}.`}`,
  );
}

function report(error: unknown, called: string, asJson: boolean): number {
  const isExpected = error instanceof AfkError;
  if (asJson) {
    printJson({
      error: {
        code: isExpected ? error.code : "unexpected",
        message: isExpected ? withHint(error) : messageOf(error),
      },
    });
  }
  const lines = [isExpected ? `${called}: ${visibleLines(withHint(error))}` : visibleLines(stackOf(error))];
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
