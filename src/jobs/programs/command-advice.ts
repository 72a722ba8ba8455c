import { accessSync, closeSync, constants, openSync, readSync, statSync } from "node:fs";
import { delimiter, isAbsolute, join, resolve } from "node:path";

/** What is in the way of a command, and what to do about it, each as part of a sentence. */
interface CommandProblem {
  found: string;
  mend: string;
}

/** Words that only a shell acts on; to a program they are arguments like any other. */
const OPERATOR = /^(?:&&|\|\|?|\|&|>>?|2>|2>&1|&>)$/;
const OPERATOR_WITHIN = /\s(?:&&|\|\|?|>>?|2>&1)\s|;\s|\$[A-Za-z_]/;
const VARIABLE = /^\$[A-Z_][A-Z0-9_]*(?:$|\/)/;
/** To these, such words mean something: shells, and programs that compare or calculate. */
const TAKES_THEM = /(?:^|\/)(?:sh|bash|zsh|dash|ash|fish|ksh|busybox|test|\[|expr|awk|find)$/;

/** Where a command counts on a shell that is not there: the place of the word in it, and what to write. Else null. */
export function shellProblem(command: readonly string[]): (CommandProblem & { index: number }) | null {
  const [program = "", ...rest] = command;
  if (TAKES_THEM.test(program)) return null;
  const isLine = rest.length === 0 && /\s/.test(program) && OPERATOR_WITHIN.test(program);
  const index = isLine ? 0 : 1 + rest.findIndex((word) => OPERATOR.test(word) || VARIABLE.test(word));
  if (!isLine && index === 0) return null;
  const line = JSON.stringify(command.join(" "));
  return {
    index,
    found: `${JSON.stringify(command[index])} means something to a shell only, and there is no shell`,
    mend: `write [sh, -c, ${line}]`,
  };
}

/**
 * Why a command cannot be started in a folder; null where nothing is seen to be in its way.
 * @param searchPath the PATH that it is searched in.
 */
export function startProblem(
  command: readonly string[],
  cwd: string,
  searchPath: string | undefined,
): CommandProblem | null {
  const [program = ""] = command;
  const isPath = program.includes("/");
  const candidates = isPath
    ? [isAbsolute(program) ? program : resolve(cwd, program)]
    : (searchPath ?? "").split(delimiter).map((dir) => join(resolve(cwd, dir), program));
  const there = candidates.filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile());
  const usable = there.find(isExecutable);
  if (usable !== undefined) return interpreterProblem(usable);
  const [closed] = there;
  if (closed !== undefined) return { found: `${closed} may not be executed`, mend: `chmod +x ${closed}` };
  const shell = shellProblem(command);
  if (shell !== null) return shell;
  if (isPath && candidates.some((path) => statSync(path, { throwIfNoEntry: false })?.isDirectory()))
    return { found: `${candidates[0]} is a folder`, mend: "name a program in command of afk.yaml" };
  if (/\s/.test(program))
    return {
      found: `there is no program called ${JSON.stringify(program)}`,
      mend: `write the program and its arguments apart: [${program.trim().split(/\s+/).join(", ")}]`,
    };
  return isPath
    ? { found: `${candidates[0]} is not there`, mend: "make it, or mend command or cwd in afk.yaml" }
    : {
        found: `${program} is in no folder of PATH`,
        mend: "install it, or write its whole path in command of afk.yaml",
      };
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

const FIRST_LINE_BYTES = 256;

/** The system says that a script is not there when it is its interpreter that is not. */
function interpreterProblem(path: string): CommandProblem | null {
  const interpreter = /^#! *([^ \t\n]+)/.exec(firstBytes(path))?.[1];
  if (interpreter === undefined || statSync(interpreter, { throwIfNoEntry: false }) !== undefined)
    return null;
  // A script that was written on Windows names an interpreter with a carriage return at its end.
  const found = `the first line of ${path} names ${JSON.stringify(interpreter)}, which is not there`;
  return { found, mend: "install that, or mend the line" };
}

/** Nothing of what may be executed and not read. */
function firstBytes(path: string): string {
  let file: number | undefined;
  try {
    file = openSync(path, "r");
    const bytes = Buffer.alloc(FIRST_LINE_BYTES);
    return bytes.toString("latin1", 0, readSync(file, bytes, 0, FIRST_LINE_BYTES, 0));
  } catch {
    return "";
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
