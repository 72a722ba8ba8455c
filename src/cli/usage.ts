import { stripVTControlCharacters } from "node:util";
import { EXIT } from "../lib/errors.ts";
import { allArgs } from "./arguments.ts";
import type { ArgDef, Command, CommandTable } from "./command.ts";
import { isColoured, paint } from "./output.ts";

/** DESIGN.md, section 12. */
const EXIT_CODES = [
  [String(EXIT.ok), "done, nothing to do, or halted by a rail on purpose"],
  [String(EXIT.failed), "a job, the tick or a check failed"],
  [String(EXIT.usage), "the command line is wrong"],
  [String(EXIT.noAgent), "there is no agent where one was asked for"],
  [String(EXIT.unavailable), "a dependency is down (breaker open)"],
  [String(EXIT.locked), "another afk process is at work, or the worker that was stopped still is"],
  [String(EXIT.config), "the configuration was refused, or the state is another agent's"],
] as const;

/** The help of the program: one line a command, in groups. Loads none of them. */
export function renderTable(name: string, version: string, table: CommandTable): string {
  const width = Math.max(...Object.keys(table).map((command) => command.length));
  const groups = Map.groupBy(Object.entries(table), ([, entry]) => entry.group);
  const lines = [`${name} ${version}`, "", `${heading("USAGE")} ${name} COMMAND [OPTIONS]`];
  for (const [group, entries] of groups) {
    lines.push("", heading(group.toUpperCase()));
    for (const [command, entry] of entries) lines.push(`  ${command.padEnd(width)}  ${entry.description}`);
  }
  lines.push(
    "",
    heading("EXIT CODES"),
    ...EXIT_CODES.map(([code, meaning]) => `  ${code.padEnd(width)}  ${meaning}`),
  );
  lines.push("", `Run "${name} COMMAND --help" for what a command takes.`);
  return lines.join("\n");
}

/** The help of one command, laid out by citty, with its examples. */
export async function renderCommand(program: string, command: Command): Promise<string> {
  // Loaded for this alone, since every command starts without it sooner.
  const { renderUsage } = await import("citty");
  const usage = await renderUsage({
    meta: { name: `${program} ${command.meta.name}`, description: command.meta.description },
    args: Object.fromEntries(Object.entries(allArgs(command)).map(([name, def]) => [name, toCitty(def)])),
    ...(command.subCommands ? { subCommands: subCommandMeta(command.subCommands) } : {}),
  });
  const examples = command.meta.examples ?? [];
  const text =
    examples.length === 0
      ? usage
      : `${usage.trimEnd()}\n\n${heading("EXAMPLES")}\n\n${examples.map((line) => `  ${line}`).join("\n")}`;
  // citty decides about colour when it is loaded, by rules that are not ours.
  return (isColoured() ? text : stripVTControlCharacters(text)).replace(/ +$/gm, "").trimEnd();
}

function heading(text: string): string {
  return paint("bold", text);
}

function subCommandMeta(subCommands: Readonly<Record<string, Command>>) {
  return Object.fromEntries(
    Object.entries(subCommands).map(([name, sub]) => [name, { meta: { description: sub.meta.description } }]),
  );
}

function toCitty(def: ArgDef) {
  const { description } = def;
  switch (def.type) {
    case "positional":
      return { type: "positional" as const, description, required: def.required !== false };
    case "boolean":
      return { type: "boolean" as const, description, ...optional("alias", def.alias) };
    case "enum":
      return {
        type: "enum" as const,
        description,
        options: [...def.options],
        required: def.required === true,
        ...optional("alias", def.alias),
        ...optional("default", def.default),
      };
    case "string":
    case "number":
      return {
        type: "string" as const,
        description,
        required: def.required === true,
        ...optional("valueHint", def.valueHint),
        ...optional("alias", def.alias),
        ...optional("default", def.default === undefined ? undefined : String(def.default)),
      };
  }
}

function optional<Name extends string>(name: Name, value: string | undefined): { [K in Name]?: string } {
  return (value === undefined ? {} : { [name]: value }) as { [K in Name]?: string };
}
