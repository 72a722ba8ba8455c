import { existsSync, statSync } from "node:fs";
import { createRequire, getCompileCacheDir } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Config, JobConfig } from "../../config/config.ts";
import type { AgentSettings } from "../../jobs/agent/settings.ts";
import { isWithin, type Locked } from "../../jobs/containment/enclosure.ts";
import type { ExecSettings } from "../../jobs/exec/settings.ts";
import { once } from "../../lib/once.ts";
import { asidesOf } from "./asides.ts";

/**
 * What afk and its jobs run by, which a program of a job could else rewrite for the next tick to run with all of afk's rights, or with
 * another job's: afk's own code, the modules under `kinds:`, and what commands of afk.yaml begin with, beside it.
 */
export function lockedFiles({ jobs, kindFiles, paths: { base } }: Config): Locked[] {
  const own = jobs
    .flatMap((job) => filesOf(job, base))
    .filter((path) => isWithin(path, base) && isFile(path));
  return [...ownCode(), ...[...new Set([...kindFiles, ...own])].map((path) => ({ path, unlessIn: null }))];
}

/** Its first word is the name of a file that others run. */
const INTERPRETER =
  /(?:^|\/)(?:node|nodejs|deno|bun|tsx|python[\d.]*|ruby|perl|php|sh|bash|dash|zsh|ksh|fish|busybox)$/;

function filesOf(job: JobConfig, base: string): string[] {
  const { kind, settings, expect } = job;
  const files = asidesOf(job).flatMap(({ settings: { command, cwd } }) =>
    scriptsOf(command, resolve(base, cwd)),
  );
  if (expect?.schemaPath != null) files.push(resolve(base, expect.schemaPath));
  if (kind === "exec") {
    const { command, cwd } = settings as ExecSettings;
    files.push(...scriptsOf(command, resolve(base, cwd)));
  }
  if (kind === "agent") {
    const { command, promptFile } = settings as AgentSettings;
    // What it names without {base} is in its worktree.
    const words = command.map((word) => (word.startsWith("{base}") ? word.replace("{base}", base) : word));
    files.push(...scriptsOf(words, "/nowhere"), ...(promptFile === null ? [] : [resolve(base, promptFile)]));
  }
  return files;
}

/** The program of a command where that is a path, and the script of an interpreter. */
function scriptsOf([program = "", ...rest]: readonly string[], cwd: string): string[] {
  const script = INTERPRETER.test(program) ? rest.find((word) => !word.startsWith("-")) : undefined;
  return [...(program.includes("/") ? [program] : []), ...(script === undefined ? [] : [script])].map(
    (path) => resolve(cwd, path),
  );
}

/** A word of a command may be a program's text, which no path can be; what cannot be looked at is no file to protect. */
function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

const HERE = fileURLToPath(import.meta.url);

/** The checkout or the package, its dependencies, and what Node keeps of them compiled. Who works in the checkout itself may change it. */
const ownCode = once((): Locked[] => {
  const root = packageFolder();
  const parts = root === null ? [dirname(HERE)] : PARTS.map((name) => join(root, name));
  const database = dirname(createRequire(HERE).resolve("better-sqlite3/package.json"));
  const compiled = getCompileCacheDir();
  return [
    ...[...parts, database].map((path) => ({ path, unlessIn: root })),
    ...(compiled === undefined ? [] : [{ path: compiled, unlessIn: null }]),
  ].filter(({ path }) => existsSync(path));
});

const PARTS = ["src", "dist", "bin", "package.json", "node_modules"];

/** The folder of afk's program; null for a bundle by itself. */
function packageFolder(): string | null {
  for (let at = dirname(HERE); at !== dirname(at); at = dirname(at))
    if (existsSync(join(at, "bin", "afk.js"))) return at;
  return null;
}
