import type { CompletionEntry, CompletionOption } from "../completion.ts";
import { pathOf, paths, takers } from "./patterns.ts";

/** A script for bash 3.2 and later: `source <(afk completion bash)`. */
export function bashScript(program: string, entries: readonly CompletionEntry[]): string {
  const name = `_${program}`;
  return `# Completion of ${program} for bash. In ~/.bashrc: source <(${program} completion bash)
${name}() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" path="" config="" i word
  # bash takes = for a word of its own: --level=warn is three.
  if [ "$current" = "=" ]; then current=""; elif [ "$previous" = "=" ]; then previous="\${COMP_WORDS[COMP_CWORD-2]}"; fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    case "$word" in
      ${takers(entries)}) [ "\${COMP_WORDS[i+1]}" = "=" ] && i=$((i + 1)); i=$((i + 1))
        [ "$word" = --config ] && config="\${COMP_WORDS[i]/#\\~/$HOME}" ;;
      -*) ;;
      *) case "$path/$word" in ${paths(entries)}) path="$path/$word" ;; esac ;;
    esac
  done
  local words="" options=""
  case "$path:$previous" in
${values(program, entries)}
  esac
  case "$path" in
${entries.map((entry) => caseOf(program, entry)).join("\n")}
  esac
  case "$current" in
    -*) COMPREPLY=($(compgen -W "$options" -- "$current")) ;;
    *) COMPREPLY=($(compgen -W "$words" -- "$current")) ;;
  esac
}
# Nothing is said when there is no configuration: whoever types is not to be interrupted.
${name}_jobs() { "\${COMP_WORDS[0]}" completion jobs \${config:+--config "$config"} 2>/dev/null; }
complete -F ${name} ${program}
`;
}

function caseOf(program: string, entry: CompletionEntry): string {
  const words = entry.words.map(({ word }) => word).join(" ");
  const options = entry.options.flatMap(({ names }) => names).join(" ");
  const jobs = entry.takesJob ? ` [[ "$current" == -* ]] || words="$(_${program}_jobs)"` : "";
  return `    "${pathOf(entry)}") words="${words}" options="${options}"${jobs === "" ? "" : `;${jobs}`} ;;`;
}

function values(program: string, entries: readonly CompletionEntry[]): string {
  return entries
    .flatMap((entry) => entry.options.flatMap((option) => valueCase(program, entry, option)))
    .join("\n");
}

function valueCase(program: string, entry: CompletionEntry, { names, value }: CompletionOption): string[] {
  if (value === null) return [];
  const pattern = names.map((name) => `"${pathOf(entry)}:${name}"`).join("|");
  const reply = {
    file: 'COMPREPLY=($(compgen -f -- "$current"))',
    folder: 'COMPREPLY=($(compgen -d -- "$current"))',
    job: `COMPREPLY=($(compgen -W "$(_${program}_jobs)" -- "$current"))`,
    text: "COMPREPLY=()",
    "one of": `COMPREPLY=($(compgen -W "${value.kind === "one of" ? value.options.join(" ") : ""}" -- "$current"))`,
  }[value.kind];
  return [`    ${pattern}) ${reply}; return ;;`];
}
