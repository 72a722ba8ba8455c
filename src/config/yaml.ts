import { statSync } from "node:fs";
import { type Document, LineCounter, parseDocument, visit } from "yaml";
import { messageOf } from "../lib/errors.ts";
import { readBounded } from "./environment.ts";
import { ConfigError, type ConfigIssue } from "./errors.ts";
import { controlCharacters, type Fault, notPlain, QUOTE_STAR, TOO_DEEP } from "./plain-yaml.ts";

const FILE_BYTES_MAX = 1024 * 1024;
/** How often aliases may repeat what their anchors hold, counted with repetitions of repetitions. */
const ALIASES_MAX = 100;

const OPTIONS = {
  // The library's own error texts quote the line, which may hold a secret.
  prettyErrors: false,
  stringKeys: true,
  resolveKnownTags: false,
  merge: false,
  // The library compares each key with each other one, which takes minutes for 1 MiB of them; plain-yaml.ts looks for them.
  uniqueKeys: false,
} as const;
/** Of a thousand faults the first few say as much. */
const FAULTS_MAX = 20;

/**
 * The plain value of a YAML 1.2 file: no tags, no key twice, one document. An empty file is null.
 *
 * @throws ConfigError when the file cannot be read or is not such YAML, with line and column.
 */
export function readYaml(file: string): unknown {
  const text = readText(file);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, ...OPTIONS });
  const faults = [...controlCharacters(text), ...ownFaults(document), ...notPlain(document, text)];
  if (faults.length > 0) {
    throw new ConfigError(
      file,
      onceALine(faults, lines)
        .slice(0, FAULTS_MAX)
        .map((fault) => issueOf(fault, lines)),
    );
  }
  try {
    return document.toJS({ maxAliasCount: ALIASES_MAX });
  } catch (error) {
    throw new ConfigError(file, [{ path: "", message: messageOf(error) }], { cause: error });
  }
}

function ownFaults({ errors, warnings }: Document.Parsed): Fault[] {
  return [...errors, ...warnings].map(({ pos, message }) => ({
    at: pos[0],
    message: message.startsWith("Maximum call stack")
      ? TOO_DEEP
      : /^(?:Unexpected alias|Alias cannot)/.test(message)
        ? QUOTE_STAR
        : message,
  }));
}

/** Each star of a cron line is a fault by itself. */
function onceALine(faults: readonly Fault[], lines: LineCounter): Fault[] {
  const keyOf = ({ at, message }: Fault) => `${lines.linePos(at).line} ${message}`;
  return [...new Map(faults.map((fault) => [keyOf(fault), fault])).values()];
}

function issueOf({ at, message }: Fault, lines: LineCounter): ConfigIssue {
  const { line, col } = lines.linePos(at);
  return { path: `line ${line}, column ${col}`, message };
}

/**
 * What can be made of a file that may be broken: of a key that stands twice, its last value and then its first. Undefined for
 * nothing. Only what makes afk more careful may rest on it.
 */
export function readYamlLoosely(file: string): unknown[] {
  return [false, true].map((isFirst) => {
    try {
      const document = parseDocument(readText(file), OPTIONS);
      if (isFirst) visit(document, { Map: (_key, map) => void map.items.reverse() });
      return document.toJS({ maxAliasCount: ALIASES_MAX });
    } catch {
      return undefined;
    }
  });
}

function readText(file: string): string {
  let bytes: Buffer;
  try {
    const found = statSync(file);
    // A pipe would be waited for without end, and a device has none.
    if (!found.isFile() && !found.isDirectory())
      throw new Error("it is a pipe, a socket or a device; put a plain file there");
    bytes = readBounded(file, FILE_BYTES_MAX + 1);
  } catch (error) {
    throw new ConfigError(file, [{ path: "", message: unreadable(error) }], { cause: error });
  }
  if (bytes.length > FILE_BYTES_MAX) {
    throw new ConfigError(file, [{ path: "", message: "larger than 1 MiB; no configuration needs that" }]);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new ConfigError(file, [{ path: "", message: "not UTF-8 text; save it as that" }], { cause: error });
  }
}

function unreadable(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === "ENOENT") return "there is no such file; `afk init` makes one, `--config FILE` names another";
  if (code === "EISDIR") return "this is a folder; name the file in it";
  if (code === "EACCES") return "no permission to read it; give the user that runs afk the right to";
  return `cannot be read (${messageOf(error)})`;
}
