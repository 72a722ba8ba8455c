import { copyFileSync, globSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type PluginContext, rolldown } from "rolldown";
import manifest from "../package.json" with { type: "json" };

/** The program, which main.js starts, and the library. */
const ENTRIES = { afk: "src/cli/main.ts", agent: "src/agent.ts" };
const LAUNCHER = "scripts/launch.cjs";

/** What runs often and is waited for. All that these load lies in the few files of PARTS. */
const HOT = [
  "src/cli/run.ts",
  "src/cli/output.ts",
  ...["tick", "stop", "status", "health"].map((name) => `src/cli/commands/${name}.ts`),
];

/**
 * Few files, since each costs about as much as 10 kB of code. Each part is what its entries load and no part above it
 * has: so a thread, or an answer of the command line alone, loads little besides its own.
 */
const PARTS = {
  thread: ["src/runner/wedge-worker.ts", "src/jobs/containment/supervisor.ts"],
  cli: ["src/cli/run.ts", "src/cli/output.ts"],
  store: ["src/dashboard/dashboard-worker.ts"],
  look: ["src/cli/commands/status.ts"],
  core: HOT,
};

/**
 * Parts of Node that take a third as long to load as Node to start, and that a command with little to do calls nothing of:
 * our own sources get them with the first call.
 */
const LATE = ["child_process", "crypto", "dns/promises", "net", "v8", "vm", "zlib"].map(
  (name) => `node:${name}`,
);

/** It loads compiled code by its own path, so it stays a package. */
const EXTERNAL = ["better-sqlite3"];

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const SOURCES = join(ROOT, "src");

/**
 * Makes the bundle: JavaScript that needs Node 22.22 or newer and better-sqlite3, and nothing else of this checkout.
 * What the sources import dynamically (commands, what talks to the network) stays apart, and is loaded when needed.
 * @param folder is emptied first.
 */
export async function buildBundle(folder: string): Promise<void> {
  const loads = new Map<string, Set<string>>();
  const bundle = await rolldown({
    cwd: ROOT,
    input: { ...siblingScripts(), ...ENTRIES },
    platform: "node",
    external: EXTERNAL,
    transform: { target: "node22" },
    plugins: [
      {
        name: "late",
        // The simulation changes these modules as a whole; and a package may do with them what it likes.
        resolveId: (id, importer = "") =>
          LATE.includes(id) && importer.startsWith(SOURCES) && !importer.startsWith(join(SOURCES, "simulate"))
            ? `\0${id}`
            : null,
        load: (id) => (id.startsWith("\0node:") ? lateModule(id.slice(1)) : null),
      },
      {
        name: "loads",
        buildEnd() {
          loads.set("hot", loadedBy(this, HOT));
          for (const [part, entries] of Object.entries(PARTS)) loads.set(part, loadedBy(this, entries));
        },
      },
    ],
    // A warning is a file that would be missing, or code that would do something else than the sources.
    onLog(_level, log) {
      throw new Error(log.message);
    },
  });
  try {
    await bundle.write({
      dir: folder,
      cleanDir: true,
      // Node loads CommonJS with less work than ES modules, whose loader makes promises and links for each file, and
      // evaluates every name that a built-in module exports. `import` of the library finds its names all the same.
      format: "cjs",
      codeSplitting: {
        groups: Object.keys(PARTS).map((name, index, names) => ({
          name,
          priority: names.length - index,
          test: (id) => (loads.get("hot")?.has(id) && loads.get(name)?.has(id)) ?? false,
        })),
      },
      entryFileNames: "[name].js",
      chunkFileNames: "[name]-[hash].js",
      minify: { mangle: false, compress: true, codegen: true },
    });
    for (const file of globSync("*.js", { cwd: folder })) makePlain(join(folder, file));
    copyFileSync(join(ROOT, LAUNCHER), join(folder, "main.js"));
    const { name, version, license } = manifest;
    const about = { name, version, license, type: "commonjs" };
    writeFileSync(join(folder, "package.json"), `${JSON.stringify(about)}\n`);
  } finally {
    await bundle.close();
  }
}

/**
 * Takes the line for a shell away, which only a file that is started may have. And writes what is beyond ASCII as escapes:
 * one such character, and Node keeps two bytes for each of the whole file. Text means the same either way, and so do
 * patterns; only `String.raw` would tell the difference.
 */
function makePlain(path: string): void {
  const code = readFileSync(path, "utf8");
  if (/String\.raw`[^`]*[^\0-\x7f]/.test(code)) throw new Error(`${path}: String.raw with more than ASCII`);
  const escapeOf = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  writeFileSync(path, code.replace(/^#!.*\n/, "").replace(/[^\0-\x7f]/g, escapeOf));
}

/** The functions of a built-in module, which load it when they are called; a name that is none, or a class, is missing, and told of. */
function lateModule(id: string): string {
  const module = Object.entries(process.getBuiltinModule(id) ?? {});
  const functions = module
    .filter(([name, value]) => typeof value === "function" && !/^[A-Z]/.test(name))
    .map(([name]) => name);
  const load = `process.getBuiltinModule(${JSON.stringify(id)})`;
  return functions
    .map((name) => `export const ${name} = (...given) => ${load}.${name}(...given);\n`)
    .join("");
}

/** The modules that these sources load as they are loaded themselves; what a function imports later does not count. */
function loadedBy(context: PluginContext, sources: string[]): Set<string> {
  const ids = new Set(sources.map((source) => join(ROOT, source)));
  for (const id of ids) {
    // A set goes on to what is added to it meanwhile.
    for (const imported of context.getModuleInfo(id)?.importedIds ?? []) ids.add(imported);
  }
  return ids;
}

/**
 * The scripts that are started by their path, by name: those that lib/sibling-script.ts is asked for, and which it will
 * look for beside the file that asks. In the bundle all files lie side by side. The program itself is started by main.js.
 */
function siblingScripts(): Record<string, string> {
  const scripts: Record<string, string> = {};
  for (const file of globSync("src/**/*.ts", { cwd: ROOT })) {
    for (const [, name = ""] of readFileSync(join(ROOT, file), "utf8").matchAll(
      /siblingScript\("([\w-]+)"/g,
    )) {
      if (name !== "main") scripts[name] = join(dirname(file), `${name}.ts`);
    }
  }
  return scripts;
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { output: { type: "string", default: `${ROOT}dist` } } });
  await buildBundle(values.output);
}
