import { stripVTControlCharacters } from "node:util";
import { renderUsage } from "citty";
import { EXIT } from "../lib/errors.ts";
import { allArgs, type Command, type Program } from "./command.ts";
import { isColoured, paint } from "./output.ts";
import { cittyArgs } from "./strict.ts";

const EXIT_CODES = [
  [EXIT.ok, "done, nothing to do, or halted by a rail on purpose"],
  [EXIT.failed, "a job, the tick or a check failed"],
  [EXIT.usage, "the command line is wrong"],
  [EXIT.noAgent, "there is no agent where one was asked for"],
  [EXIT.unavailable, "a dependency is down (breaker open)"],
  [
    EXIT.locked,
    "another afk process is at work, or the worker that was stopped still is; ask: refused by kill switch or cap",
  ],
  [EXIT.config, "the configuration was refused, or the state is another agent's"],
] as const;

/** The help of the program: one line a command, in groups. Loads none of them. */
export function programHelp({ name, version, commands }: Program): string {
  const width = Math.max(...Object.keys(commands).map((command) => command.length));
  const line = (word: string, text: string) => `  ${word.padEnd(width)}  ${text}`;
  const groups = Map.groupBy(Object.entries(commands), ([, { group }]) => group);
  return [
    `${name} ${version}`,
    "",
    `${heading("USAGE")} ${name} COMMAND [OPTIONS]`,
    ...[...groups].flatMap(([group, entries]) => [
      "",
      heading(group.toUpperCase()),
      ...entries.map(([command, { description }]) => line(command, description)),
    ]),
    "",
    heading("EXIT CODES"),
    ...EXIT_CODES.map(([code, meaning]) => line(String(code), meaning)),
    "",
    `Run "${name} COMMAND --help" for what a command takes.`,
  ].join("\n");
}

/** The help of one command, laid out by citty, with its details and examples. `name` is whole: `afk jobs list`. */
export async function commandHelp(name: string, command: Command): Promise<string> {
  const { description = "", details, subCommands } = command;
  // A group shows one line of each of its commands.
  const { examples = Object.values(subCommands ?? {}).flatMap((sub) => sub.examples?.slice(0, 1) ?? []) } =
    command;
  const usage = await renderUsage({
    meta: { name, description },
    args: cittyArgs(allArgs(command)),
    ...(subCommands && {
      subCommands: Object.fromEntries(
        Object.entries(subCommands).map(([sub, { description: what = "" }]) => [
          sub,
          { meta: { description: what } },
        ]),
      ),
    }),
  });
  const text = [
    usage.trimEnd(),
    ...(details === undefined ? [] : ["", details]),
    ...(examples.length === 0 ? [] : ["", heading("EXAMPLES"), "", ...examples.map((line) => `  ${line}`)]),
  ].join("\n");
  // citty decides about colour when it is loaded, by rules that are not ours.
  return (isColoured() ? text : stripVTControlCharacters(text)).replace(/ +$/gm, "").trimEnd();
}

function heading(text: string): string {
  return paint("bold", text);
}
