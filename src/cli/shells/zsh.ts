import type { CompletionEntry, CompletionOption } from "../completion.ts";
import { pathOf, paths, takers } from "./patterns.ts";

/** A script for zsh: `source <(afk completion zsh)` after compinit, or a file `_afk` in a folder of $fpath. */
export function zshScript(program: string, entries: readonly CompletionEntry[]): string {
  return `#compdef ${program}
# Completion of ${program} for zsh. In ~/.zshrc, after compinit: source <(${program} completion zsh)
_${program}() {
  local route="" config="" word
  local -i i
  for ((i = 2; i < CURRENT; i++)); do
    word="\${words[i]}"
    case "$word" in
      ${takers(entries)}) i=$((i + 1)); if [[ "$word" == --config ]]; then config="\${words[i]/#\\~/$HOME}"; fi ;;
      --config=*) config="\${word#--config=}" ;;
      -*) ;;
      *) case "$route/$word" in (${paths(entries)}) route="$route/$word" ;; esac ;;
    esac
  done
  local -a names options
  case "$route:\${words[CURRENT-1]}" in
${entries.flatMap((entry) => entry.options.flatMap((option) => valueCase(program, entry, option))).join("\n")}
  esac
  case "$route" in
${entries.map((entry) => caseOf(program, entry)).join("\n")}
  esac
  if [[ "\${words[CURRENT]}" == -* ]]; then _describe -o option options; else _describe command names; fi
}
# Nothing is said when there is no configuration: whoever types is not to be interrupted.
_${program}_jobs() { "\${words[1]}" completion jobs \${config:+--config} \${config:+$config} 2>/dev/null }
if [ "\${funcstack[1]}" = "_${program}" ]; then _${program} "$@"; else compdef _${program} ${program}; fi
`;
}

function caseOf(program: string, entry: CompletionEntry): string {
  const names = entry.words.map(({ word, description }) => described(word, description));
  const options = entry.options.flatMap((option) =>
    option.names.map((name) => described(name, option.description)),
  );
  const jobs = entry.takesJob
    ? ` && if [[ "\${words[CURRENT]}" != -* ]]; then names=(\${(f)"$(_${program}_jobs)"}); fi`
    : "";
  return `    ("${pathOf(entry)}") names=(${names.join(" ")}) options=(${options.join(" ")})${jobs} ;;`;
}

/** A colon parts the word from what it means. */
function described(word: string, description: string): string {
  return quoted(description === "" ? word : `${word}:${description.replaceAll(":", " -")}`);
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function valueCase(program: string, entry: CompletionEntry, { names, value }: CompletionOption): string[] {
  if (value === null) return [];
  const pattern = names.map((name) => `"${pathOf(entry)}:${name}"`).join("|");
  const reply = {
    file: "_files",
    folder: "_files -/",
    job: `compadd -- \${(f)"$(_${program}_jobs)"}`,
    text: "_message value",
    "one of": `compadd -- ${value.kind === "one of" ? value.options.join(" ") : ""}`,
  }[value.kind];
  return [`    (${pattern}) ${reply}; return ;;`];
}
