import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildBundle } from "../../scripts/build.ts";
import { writeConfig } from "./agent.ts";
import type { Tools } from "./benchmark.ts";
import { type Command, runCommand } from "./processes.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** What the image carries in /app, on this machine. */
export interface ImageApp {
  folder: string;
  /** `afk` with these words on a state directory: the process that the image's own `afk` is. */
  afk(words: string[], place: { config: string; state: string }, env?: Record<string, string>): Command;
  /** Any script of this Node in the same circumstances. */
  script(path: string, words: string[]): Command;
}

/**
 * Lays out the bundle, better-sqlite3 and Node's compile cache as the Dockerfile does, and warms the cache by the same
 * commands: the process is the same one, without the container around it, which would cost both sides alike.
 */
export async function imageApp(tools: Tools): Promise<ImageApp> {
  const folder = tools.folder();
  await buildBundle(folder);
  const from = join(ROOT, "node_modules/better-sqlite3");
  const to = join(folder, "node_modules/better-sqlite3");
  const prebuilt = `prebuilds/${process.platform}-${process.arch}.node`;
  mkdirSync(dirname(join(to, prebuilt)), { recursive: true });
  for (const part of ["lib", "package.json", "LICENSE", prebuilt])
    cpSync(join(from, part), join(to, part), { recursive: true });
  // What the Dockerfile sets; the one that glibc reads is for both sides.
  const cache = { NODE_COMPILE_CACHE: join(folder, "cache"), MALLOC_TRIM_THRESHOLD_: "131072" };
  const app: ImageApp = {
    folder,
    afk: (words, { config, state }, env = {}) => ({
      words: [join(folder, "main.js"), ...words],
      cwd: dirname(config),
      env: { ...cache, NODE_ENV: "production", AFK_CONFIG: config, AFK_STATE: state, ...env },
    }),
    script: (path, words) => ({
      words: [path, ...words],
      cwd: folder,
      env: { ...cache, NODE_ENV: "production" },
    }),
  };
  await warm(app, tools.folder());
  return app;
}

/** The Dockerfile's own list: what is run most, on a note and a model that is not there. */
async function warm(app: ImageApp, folder: string): Promise<void> {
  mkdirSync(join(folder, "notes"));
  writeFileSync(join(folder, "notes", "note.txt"), "One note, to have work.\n");
  const config = writeConfig(folder, {
    models: {
      chain: ["ollama/none", "extractive"],
      providers: { ollama: { base_url: "http://127.0.0.1:9" } },
    },
    jobs: [{ name: "digest", kind: "digest", every: "1h", sources: [{ folder: "notes" }] }],
  });
  const place = { config, state: join(folder, "state") };
  for (const command of ["tick", "status", "health", "stop", "resume", "watchdog"])
    await runCommand(app.afk([command], place));
}
