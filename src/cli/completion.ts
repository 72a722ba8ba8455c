import { homedir } from "node:os";
import { statedNames } from "../ops/read-config.ts";
import {
  type ArgDef,
  type ArgsDef,
  allArgs,
  type Command,
  type CommandTable,
  PROGRAM_ARGS,
  type Program,
} from "./command.ts";

/** How far the words of a command line lead. */
interface Place {
  /** Commands that may follow. */
  commands: CommandTable | Readonly<Record<string, Command>>;
  args: ArgsDef;
  /** Positionals that were typed already. */
  positionals: number;
}

/** An option as it stands in the line: with its value where both are one word. */
interface Option {
  name: string;
  def: ArgDef;
  value: string | null;
}

/**
 * What may stand in the place of the last of these words, which is being typed: lines of a word, a tab and what it is for;
 * or `:file` or `:folder` alone, which the shell completes by itself.
 * @param typed The words after the program's name, as the shell splits them.
 */
export async function completions(program: Program, typed: readonly string[]): Promise<string[]> {
  // bash takes = for a word of its own: --level=warn is three.
  const words = typed.filter((word) => word !== "=");
  const current = typed.at(-1) === "=" ? "" : (words.pop() ?? "");
  let place: Place = { commands: program.commands, args: PROGRAM_ARGS, positionals: 0 };
  let option: Option | null = null;
  let config: string | undefined;
  for (const word of words) {
    const given: Option | null = option ?? (word.startsWith("-") ? optionIn(place.args, word) : null);
    const value: string | null = option === null ? (given?.value ?? null) : word;
    if (given?.name === "config" && value !== null) config = value.replace(/^~(?=\/)/, homedir());
    if (given === null && !word.startsWith("-")) place = await follow(place, word);
    option = given !== null && given.def.type !== "boolean" && value === null ? given : null;
  }
  if (option !== null) return valueLines(option.def, config);
  if (!current.startsWith("-")) return wordLines(place, config);
  const begun = optionIn(place.args, current);
  if (begun === null || begun.value === null) return optionLines(place.args);
  return valueLines(begun.def, config).map((line) =>
    line.startsWith(":") ? line : `--${begun.name}=${line}`,
  );
}

async function follow({ commands, args, positionals }: Place, word: string): Promise<Place> {
  const found = Object.hasOwn(commands, word) ? commands[word] : undefined;
  if (found === undefined) return { commands: {}, args, positionals: positionals + 1 };
  const command = "load" in found ? (await found.load()).default : found;
  return { commands: command.subCommands ?? {}, args: allArgs(command), positionals: 0 };
}

/** The option that a word is (`--level`, `-n`, `--level=warn`), with the value that stands in the same word. */
function optionIn(args: ArgsDef, word: string): Option | null {
  const [, head = "", value = null] = /^([^=]*)(?:=(.*))?$/s.exec(word) ?? [];
  for (const [name, def] of Object.entries(args))
    if (def.type !== "positional" && (head === `--${name}` || head === `-${def.alias}`))
      return { name, def, value };
  return null;
}

function wordLines({ commands, args, positionals }: Place, config: string | undefined): string[] {
  const words = Object.values(args).filter(({ type }) => type === "positional");
  const next = words[positionals] ?? words.find(({ isList }) => isList);
  return [
    ...Object.entries(commands).map(([name, { description = "" }]) => `${name}\t${description}`),
    ...(next === undefined ? [] : valueLines(next, config)),
  ];
}

function optionLines(args: ArgsDef): string[] {
  return Object.entries(args).flatMap(([name, { type, alias, description }]) =>
    type === "positional"
      ? []
      : [`--${name}`, ...(alias === undefined ? [] : [`-${alias}`])].map((word) => `${word}\t${description}`),
  );
}

function valueLines({ options = [], names, valueHint }: ArgDef, config: string | undefined): string[] {
  if (valueHint === "FILE") return [":file"];
  if (valueHint === "DIR") return [":folder"];
  return (names === undefined ? options : statedNames({ config }, names)).map((word) => `${word}\t`);
}

/** The script of each shell. It asks the program itself what may follow, and says nothing when that fails. */
export const COMPLETION_SCRIPTS = {
  // bash 3.2, which macOS has, knows neither mapfile nor compopt.
  bash: (
    program: string,
  ) => `# Completion of ${program} for bash. In ~/.bashrc: source <(${program} completion bash)
_${program}() {
  local current="\${COMP_WORDS[COMP_CWORD]}" word rest
  [ "$current" = "=" ] && current=""
  while IFS=$'\\t' read -r word rest; do
    case "$word" in
      :file) COMPREPLY=($(compgen -f -- "$current")) ;;
      :folder) COMPREPLY=($(compgen -d -- "$current")) ;;
      "$current"*) COMPREPLY+=("$word") ;;
    esac
  done < <("\${COMP_WORDS[0]}" completion words -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null </dev/null)
}
complete -F _${program} ${program}
`,
  zsh: (program: string) => `#compdef ${program}
# Completion of ${program} for zsh. In ~/.zshrc, after compinit: source <(${program} completion zsh)
_${program}() {
  local line
  local -a names
  for line in "\${(@f)$("\${words[1]}" completion words -- "\${(@Q)words[2,CURRENT]}" 2>/dev/null </dev/null)}"; do
    case "$line" in
      (:file) _files; return ;;
      (:folder) _files -/; return ;;
      (?*) names+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}") ;;
    esac
  done
  if [[ "\${words[CURRENT]}" == -* ]]; then _describe -o option names; else _describe value names; fi
}
if [ "\${funcstack[1]}" = "_${program}" ]; then _${program} "$@"; else compdef _${program} ${program}; fi
`,
  fish: (
    program: string,
  ) => `# Completion of ${program} for fish: ${program} completion fish > ~/.config/fish/completions/${program}.fish
function __${program}_complete
  set -l typed (commandline -opc)
  set -l current (commandline -ct)
  for line in ($typed[1] completion words -- $typed[2..-1] "$current" 2>/dev/null </dev/null)
    switch $line
      case :file
        __fish_complete_path "$current"
      case :folder
        __fish_complete_directories "$current"
      case '*'
        printf '%s\\n' $line
    end
  end
end
complete -c ${program} -f -a '(__${program}_complete)'
`,
} as const;
