import { statSync } from "node:fs";
import { createRequire, registerHooks } from "node:module";
import { dirname, resolve } from "node:path";
import { type Environment, processEnvironment } from "../config/environment.ts";
import { ConfigError } from "../config/errors.ts";
import { expandHome, locate } from "../config/locations.ts";
import { isSection } from "../config/path.ts";
import { readYamlLoosely } from "../config/yaml.ts";
import { messageOf } from "../lib/errors.ts";
import { once } from "../lib/once.ts";
import { siblingScript } from "../lib/sibling-script.ts";
import type { JobKind } from "./job.ts";
import { jobKinds } from "./registry.ts";

/** Where the afk.yaml is that may name files of kinds; what is left out comes from the environment. */
interface KindSources {
  config?: string | undefined;
  environment?: Environment;
  /** Kinds of a program that uses the library; one of the same name takes the place of afk's own. */
  kinds?: readonly JobKind[];
}

/**
 * Every kind of job that an afk.yaml may use: those of the program, those of the files under `kinds:`, and afk's own. A file
 * is loaded once in a process, so a change of it takes a restart. Its code runs with all the rights of afk.
 * @throws ConfigError for a file that cannot be loaded or exports no kind.
 */
export function allKinds(sources: KindSources): readonly JobKind[] {
  const environment = sources.environment ?? processEnvironment();
  const { configFile } = locate({ environment, configFile: sources.config, cwd: process.cwd() });
  const loaded = kindFiles(configFile).flatMap((file, index) => {
    try {
      return loadKinds(resolve(dirname(configFile), expandHome(file, environment)));
    } catch (error) {
      const issue = { path: `kinds[${index}]`, message: messageOf(error) };
      throw new ConfigError(configFile, [issue], { cause: error });
    }
  });
  return [...(sources.kinds ?? []), ...loaded, ...jobKinds];
}

/** The files that `kinds:` names. Anything else there is refused where the whole file is read. */
function kindFiles(configFile: string): string[] {
  const [top] = readYamlLoosely(configFile);
  const files = isSection(top) ? top.kinds : undefined;
  return Array.isArray(files) ? files.filter((file) => typeof file === "string") : [];
}

function loadKinds(path: string): JobKind[] {
  if (!statSync(path, { throwIfNoEntry: false })?.isFile())
    throw new Error(`there is no file ${path}; write the path of a JavaScript module, relative to afk.yaml`);
  resolveOwnPackage();
  const exported: unknown[] = Object.values(createRequire(path)(path));
  const kinds = exported.flat().filter(isKind);
  if (kinds.length === 0)
    throw new Error(`${path} exports no kind of job: an object with kind, settings and run`);
  const own = kinds.find(({ kind }) => jobKinds.some((each) => each.kind === kind));
  if (own !== undefined) throw new Error(`${path} exports the kind ${own.kind}, which comes with afk`);
  return [...new Set(kinds)];
}

function isKind(value: unknown): value is JobKind {
  if (typeof value !== "object" || value === null) return false;
  const { kind, settings, run } = value as Partial<JobKind>;
  return typeof kind === "string" && typeof settings === "object" && typeof run === "function";
}

/** Lets such a file import `afk-agent/jobs` wherever it lies: in the image there is no package beside it. */
const resolveOwnPackage = once(() => {
  const { href } = siblingScript("authoring", import.meta.url);
  return registerHooks({
    resolve: (specifier, context, next) =>
      specifier === "afk-agent/jobs" ? { url: href, shortCircuit: true } : next(specifier, context),
  });
});
