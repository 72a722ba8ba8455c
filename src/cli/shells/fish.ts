import type { CompletionEntry, CompletionOption } from "../completion.ts";

/** A script for fish: `afk completion fish > ~/.config/fish/completions/afk.fish`. */
export function fishScript(program: string, entries: readonly CompletionEntry[]): string {
  return `# Completion of ${program} for fish: ${program} completion fish > ~/.config/fish/completions/${program}.fish
function __${program}_at --description 'whether the command line stands at this command'
  set -l route
  set -l known ${entries
    .filter(({ path }) => path.length > 0)
    .map(({ path }) => quoted(path.join("/")))
    .join(" ")}
  set -l takers ${[...new Set(entries.flatMap(takersOf))].join(" ")}
  set -l skip 0
  for word in (commandline -opc)[2..-1]
    if test $skip = 1
      set skip 0
    else if contains -- $word $takers
      set skip 1
    else if not string match -q -- '-*' $word
      set -l next (string join / $route $word)
      contains -- $next $known; and set route $next
    end
  end
  test "$route" = "$argv[1]"
end
# Nothing is said when there is no configuration: whoever types is not to be interrupted.
function __${program}_jobs --description 'the names of the jobs in afk.yaml'
  set -l typed (commandline -opc)
  set -l config
  for i in (seq 2 (count $typed))
    switch $typed[$i]
      case --config
        set config --config $typed[(math $i + 1)]
      case '--config=*'
        set config $typed[$i]
    end
  end
  $typed[1] completion jobs $config 2>/dev/null
end
complete -c ${program} -f
${entries.flatMap((entry) => lines(program, entry)).join("\n")}
`;
}

function lines(program: string, entry: CompletionEntry): string[] {
  const at = `complete -c ${program} -n ${quoted(`__${program}_at ${quotedWithin(entry.path.join("/"))}`)}`;
  return [
    ...entry.words.map(({ word, description }) => `${at} -a ${quoted(word)}${described(description)}`),
    ...(entry.takesJob ? [`${at} -a '(__${program}_jobs)'`] : []),
    ...entry.options.map((option) => `${at}${optionText(program, option)}${described(option.description)}`),
  ];
}

function optionText(program: string, { names, value }: CompletionOption): string {
  const flags = names
    .map((name) => (name.startsWith("--") ? ` -l ${name.slice(2)}` : ` -s ${name.slice(1)}`))
    .join("");
  if (value === null) return flags;
  switch (value.kind) {
    case "file":
      return `${flags} -r -F`;
    case "folder":
      return `${flags} -x -a '(__fish_complete_directories)'`;
    case "job":
      return `${flags} -x -a '(__${program}_jobs)'`;
    case "text":
      return `${flags} -x`;
    case "one of":
      return `${flags} -x -a ${quoted(value.options.join(" "))}`;
  }
}

function takersOf({ options }: CompletionEntry): string[] {
  return options.flatMap((option) => (option.value === null ? [] : option.names));
}

function described(description: string): string {
  return description === "" ? "" : ` -d ${quoted(description)}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}

/** Within a quoted text; a path is made of plain words, or empty. */
function quotedWithin(path: string): string {
  return `"${path}"`;
}
