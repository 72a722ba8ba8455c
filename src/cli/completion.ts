import { allArgs } from "./arguments.ts";
import type { ArgDef, Command, CommandTable } from "./command.ts";

/** What can follow one command: `jobs show`, or the program itself with an empty path. */
export interface CompletionEntry {
  /** The words that lead to it, after the program's name. */
  path: readonly string[];
  words: readonly { word: string; description: string }[];
  options: readonly CompletionOption[];
  /** The name of a job can follow; the script asks for them when it is used. */
  takesJob: boolean;
}

export interface CompletionOption {
  /** `--level`; `-n` too, where there is one. */
  names: readonly string[];
  description: string;
  /** Null for an option without a value; else what the value can be. */
  value: { kind: "file" | "folder" | "job" | "text" } | { kind: "one of"; options: readonly string[] } | null;
}

/** Every command of the table with what can be typed after it; loads them all. */
export async function completionEntries(table: CommandTable): Promise<CompletionEntry[]> {
  const commands = await Promise.all(
    Object.entries(table).map(async ([name, entry]) => ({
      name,
      entry,
      command: (await entry.load()).default,
    })),
  );
  const root: CompletionEntry = {
    path: [],
    words: commands.map(({ name, entry }) => ({ word: name, description: entry.description })),
    options: optionsOf({ meta: { name: "", description: "" } }),
    takesJob: false,
  };
  return [root, ...commands.flatMap(({ name, command }) => entriesOf([name], command))];
}

function entriesOf(path: readonly string[], command: Command): CompletionEntry[] {
  const subs = Object.entries(command.subCommands ?? {});
  const fallback = command.default === undefined ? undefined : command.subCommands?.[command.default];
  const positionals = Object.values(command.args ?? {}).filter((arg) => arg.type === "positional");
  const entry: CompletionEntry = {
    path,
    words: [
      ...subs.map(([word, sub]) => ({ word, description: sub.meta.description })),
      ...positionals.flatMap((arg) => (arg.options ?? []).map((word) => ({ word, description: "" }))),
    ],
    // The bare name of a group takes what its default takes.
    options: optionsOf(fallback ?? command),
    takesJob: positionals.some((arg) => arg.isJob === true),
  };
  return [entry, ...subs.flatMap(([name, sub]) => entriesOf([...path, name], sub))];
}

function optionsOf(command: Command): CompletionOption[] {
  return Object.entries(allArgs(command)).flatMap(([name, def]) =>
    def.type === "positional"
      ? []
      : [
          {
            names: [`--${name}`, ...(def.alias === undefined ? [] : [`-${def.alias}`])],
            description: def.description,
            value: valueKind(def),
          },
        ],
  );
}

function valueKind(def: Exclude<ArgDef, { type: "positional" }>): CompletionOption["value"] {
  if (def.type === "boolean") return null;
  if (def.type === "enum") return { kind: "one of", options: def.options };
  if (def.type === "string" && def.valueHint === "FILE") return { kind: "file" };
  if (def.type === "string" && def.valueHint === "DIR") return { kind: "folder" };
  if (def.type === "string" && def.isJob === true) return { kind: "job" };
  return { kind: "text" };
}
