import type { CompletionEntry, CompletionOption } from "../completion.ts";
import { pathOf, paths, takers } from "./patterns.ts";

/** A script for zsh: `source <(afk completion zsh)` after compinit, or a file `_afk` in a folder of $fpath. */
export function zshScript(program: string, entries: readonly CompletionEntry[]): string {
  return `#compdef ${program}
# Completion of ${program} for zsh. In ~/.zshrc, after compinit: source <(${program} completion zsh)
_${program}() {
  local route="" word
  local -i i
  for ((i = 2; i < CURRENT; i++)); do
    word="\${words[i]}"
    case "$word" in
      ${takers(entries)}) i=$((i + 1)) ;;
      -*) ;;
      *) case "$route/$word" in (${paths(entries)}) route="$route/$word" ;; esac ;;
    esac
  done
  local -a names options
  case "$route:\${words[CURRENT-1]}" in
${entries.flatMap((entry) => entry.options.flatMap((option) => valueCase(entry, option))).join("\n")}
  esac
  case "$route" in
${entries.map(caseOf).join("\n")}
  esac
  if [[ "\${words[CURRENT]}" == -* ]]; then _describe -o option options; else _describe command names; fi
}
if [ "\${funcstack[1]}" = "_${program}" ]; then _${program} "$@"; else compdef _${program} ${program}; fi
`;
}

function caseOf(entry: CompletionEntry): string {
  const names = entry.words.map(({ word, description }) => described(word, description));
  const options = entry.options.flatMap((option) =>
    option.names.map((name) => described(name, option.description)),
  );
  return `    ("${pathOf(entry)}") names=(${names.join(" ")}) options=(${options.join(" ")}) ;;`;
}

/** A colon parts the word from what it means. */
function described(word: string, description: string): string {
  return quoted(description === "" ? word : `${word}:${description.replaceAll(":", " -")}`);
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function valueCase(entry: CompletionEntry, { names, value }: CompletionOption): string[] {
  if (value === null) return [];
  const pattern = names.map((name) => `"${pathOf(entry)}:${name}"`).join("|");
  const reply = {
    file: "_files",
    folder: "_files -/",
    text: "_message value",
    "one of": `compadd -- ${value.kind === "one of" ? value.options.join(" ") : ""}`,
  }[value.kind];
  return [`    (${pattern}) ${reply}; return ;;`];
}
