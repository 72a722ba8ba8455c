/**
 * The URL of a script that is started by its path (a thread, a process of its own). It lies beside the file that asks,
 * as a source or, in the bundle, as the entry that scripts/build.ts makes of it.
 * @param name without the extension.
 * @param importerUrl `import.meta.url` of the file that asks.
 */
export function siblingScript(name: string, importerUrl: string): URL {
  const extension = importerUrl.endsWith(".ts") ? "ts" : "js";
  return new URL(`./${name}.${extension}`, importerUrl);
}
