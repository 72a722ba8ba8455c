import { EXIT } from "../lib/errors.ts";
import { type ArgDef, allArgs, type Command, type Program } from "./command.ts";
import { paint } from "./output.ts";

const EXIT_CODES = [
  [EXIT.ok, "done, nothing to do, or halted by a rail on purpose"],
  [EXIT.failed, "a job, the tick or a check failed"],
  [EXIT.usage, "the command line is wrong"],
  [EXIT.noAgent, "there is no agent where one was asked for"],
  [EXIT.unavailable, "a dependency is down (breaker open)"],
  [EXIT.locked, "another afk process is at work, or the worker that was stopped still is"],
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

/** The help of one command. `name` is whole: `afk jobs list`. */
export function commandHelp(name: string, command: Command): string {
  const { description = "", details, examples = [], subCommands = {} } = command;
  const args = Object.entries(allArgs(command));
  const positionals = args.filter(([, { type }]) => type === "positional");
  const options = args.filter(([, { type }]) => type !== "positional");
  const words = positionals.map(([word, { required = true }]) =>
    required ? `<${word.toUpperCase()}>` : `[${word.toUpperCase()}]`,
  );
  const commands = Object.entries(subCommands).map(([sub, each]) => [sub, each.description ?? ""] as const);
  const usage = [name, "[OPTIONS]", ...words, Object.keys(subCommands).join("|")].join(" ").trimEnd();
  return [
    `${description} (${name})`,
    "",
    `${heading("USAGE")} ${usage}`,
    ...rowsUnder("ARGUMENTS", positionals.map(argRow)),
    ...rowsUnder("OPTIONS", options.map(argRow)),
    ...rowsUnder("COMMANDS", commands),
    ...(details === undefined ? [] : ["", details]),
    ...(examples.length === 0 ? [] : ["", heading("EXAMPLES"), "", ...examples.map((line) => `  ${line}`)]),
  ].join("\n");
}

/** `-n, --limit=<N>`, and what it is for. */
function argRow([name, def]: [string, ArgDef]): [string, string] {
  const { type, alias, options, valueHint = name, required = type === "positional", default: usual } = def;
  const note = required ? " (Required)" : usual === undefined ? "" : ` (Default: ${usual})`;
  if (type === "positional") return [name.toUpperCase(), `${def.description}${note}`];
  const value = type === "boolean" ? "" : `=<${type === "enum" ? options?.join("|") : valueHint}>`;
  return [`${alias === undefined ? "" : `-${alias}, `}--${name}${value}`, `${def.description}${note}`];
}

function rowsUnder(title: string, rows: readonly (readonly [string, string])[]): string[] {
  if (rows.length === 0) return [];
  const width = Math.max(...rows.map(([word]) => word.length));
  return ["", heading(title), "", ...rows.map(([word, text]) => `  ${word.padEnd(width)}    ${text}`)];
}

function heading(text: string): string {
  return paint("bold", text);
}
