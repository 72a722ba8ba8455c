import { globSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { rolldown } from "rolldown";
import manifest from "../package.json" with { type: "json" };

/** What programs import: the library, and what kinds of jobs are written with. */
const LIBRARY = { library: "src/library.ts", authoring: "src/jobs/authoring.ts" };
const ENTRIES = { main: "src/cli/main.ts", ...LIBRARY };

/** It loads compiled code by its own path, so it stays a package. */
const EXTERNAL = ["better-sqlite3"];

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/**
 * Makes the bundle: JavaScript that needs Node 22.22 or newer and better-sqlite3, and nothing else of this checkout.
 * What the sources import dynamically (commands, what talks to the network) stays apart, and is loaded when needed.
 * @param folder is emptied first.
 */
export async function buildBundle(folder: string): Promise<void> {
  const bundle = await rolldown({
    cwd: ROOT,
    input: { ...siblingScripts(), ...ENTRIES },
    platform: "node",
    external: EXTERNAL,
    // consola looks for the environment there where a system has no `process`, as Vite's browsers.
    transform: { target: "node22", define: { "import.meta.env": "undefined" } },
    // A warning is a file that would be missing, or code that would do something else than the sources.
    onLog(_level, log) {
      throw new Error(log.message);
    },
  });
  try {
    await bundle.write({
      dir: folder,
      cleanDir: true,
      // Node loads CommonJS with less work than ES modules. `import` of the library finds its names all the same.
      format: "cjs",
      entryFileNames: "[name].js",
      chunkFileNames: "[name]-[hash].js",
      minify: { mangle: false, compress: true, codegen: true },
    });
    const { name, version, license } = manifest;
    const about = { name, version, license, type: "commonjs" };
    writeFileSync(join(folder, "package.json"), `${JSON.stringify(about)}\n`);
  } finally {
    await bundle.close();
  }
}

/** Adds the types of what programs import, with all that they are made of, so that they stand on no other package. */
export async function buildTypes(folder: string): Promise<void> {
  const { dts } = await import("rolldown-plugin-dts");
  const types = dts({
    emitDtsOnly: true,
    cwd: ROOT,
    tsconfig: `${ROOT}tsconfig.json`,
    // The project's own settings check alone.
    compilerOptions: { noEmit: false },
  });
  const bundle = await rolldown({
    cwd: ROOT,
    input: LIBRARY,
    platform: "node",
    external: EXTERNAL,
    plugins: [types],
  });
  try {
    await bundle.write({ dir: folder, chunkFileNames: "types-[hash].js" });
  } finally {
    await bundle.close();
  }
}

/**
 * The scripts that are started by their path, by name: those that lib/sibling-script.ts is asked for, and which it will
 * look for beside the file that asks. In the bundle all files lie side by side.
 */
function siblingScripts(): Record<string, string> {
  const scripts: Record<string, string> = {};
  for (const file of globSync("src/**/*.ts", { cwd: ROOT })) {
    for (const [, name = ""] of readFileSync(join(ROOT, file), "utf8").matchAll(/siblingScript\("([\w-]+)"/g))
      scripts[name] = join(dirname(file), `${name}.ts`);
  }
  return scripts;
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      output: { type: "string", default: `${ROOT}dist` },
      types: { type: "boolean", default: false },
    },
  });
  await buildBundle(values.output);
  if (values.types) await buildTypes(values.output);
}
