import { execFile } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { messageOf } from "../../../../src/lib/errors.ts";
import { cachedFolder } from "../../../support/engine/cache.ts";

const HERE = fileURLToPath(new URL("..", import.meta.url));
const QUIETLY = ["--no-audit", "--no-fund", "--loglevel=error", "--no-progress"];
const INSTALL_MS_MAX = 10 * 60_000;

/** A folder with the clients in it, or why they are not to be had here. */
export type Installed = { folder: string; reason: null } | { folder: null; reason: string };

/** The clients of npm in `folder` (beside this one), as its lock file pins them. None of their own scripts runs. */
export function npmClients(folder: "npm" | "large"): Promise<Installed> {
  const from = join(HERE, folder);
  const files = ["package.json", "package-lock.json"];
  const ingredients = files.map((file) => readFileSync(join(from, file), "utf8"));
  return installed("the npm registry", () =>
    cachedFolder(`clients-${folder}`, [...ingredients, process.platform, process.arch], async (path) => {
      mkdirSync(path);
      for (const file of files) cpSync(join(from, file), join(path, file));
      await run("npm", ["ci", ...QUIETLY, "--ignore-scripts", "--fetch-retries=1"], path);
    }),
  );
}

/** The clients of PyPI in a virtual environment, as requirements.txt pins them. */
export function pythonClients(): Promise<Installed> {
  const requirements = readFileSync(join(HERE, "python/requirements.txt"), "utf8");
  return installed("Python with venv, or its package index,", async () => {
    const version = await run("python3", ["--version"], HERE);
    return await cachedFolder("clients-python", [requirements, version], async (path) => {
      await run("python3", ["-m", "venv", path], HERE);
      const list = join(path, "requirements.txt");
      writeFileSync(list, requirements);
      const quietly = ["--quiet", "--no-input", "--disable-pip-version-check", "--retries=1"];
      await run(join(path, "bin/python"), ["-m", "pip", "install", ...quietly, "-r", list], path);
    });
  });
}

/** aider in a virtual environment, by `bin/python -m aider`. It states its own dependencies exactly. */
export function aider(): Promise<Installed> {
  const wanted = "aider-chat==0.86.2";
  return installed("Python with venv, or its package index,", async () => {
    const version = await run("python3", ["--version"], HERE);
    return await cachedFolder("clients-aider", [wanted, version], async (path) => {
      await run("python3", ["-m", "venv", path], HERE);
      const quietly = ["--quiet", "--no-input", "--disable-pip-version-check", "--retries=1"];
      await run(join(path, "bin/python"), ["-m", "pip", "install", ...quietly, wanted], path);
    });
  });
}

async function installed(what: string, install: () => Promise<string>): Promise<Installed> {
  try {
    return { folder: await install(), reason: null };
  } catch (error) {
    const said = messageOf(error).replaceAll(/\s+/g, " ").trim();
    return { folder: null, reason: `${what} is not to be had here: ${said.slice(0, 300)}` };
  }
}

async function run(command: string, args: string[], cwd: string): Promise<string> {
  const { stdout } = await promisify(execFile)(command, args, { cwd, timeout: INSTALL_MS_MAX });
  return stdout;
}
