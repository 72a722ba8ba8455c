import { registerHooks } from "node:module";
import { fileURLToPath } from "node:url";

/**
 * For a process that runs with a fault that a test plants: `--import plant.ts`, with what is to stand in the place of what, and
 * in which file of src/, in AFK_TEST_PLANT.
 */
export interface Fault {
  file: string;
  /** Stands in the file once. */
  text: string;
  fault: string;
}

/** What a process is given in its environment to run with these faults. */
export function planted(faults: readonly Fault[]): Record<string, string> {
  return {
    NODE_OPTIONS: `--import ${fileURLToPath(import.meta.url)}`,
    AFK_TEST_PLANT: JSON.stringify(faults),
  };
}

const { AFK_TEST_PLANT } = process.env;
if (AFK_TEST_PLANT !== undefined) {
  const faults: Fault[] = JSON.parse(AFK_TEST_PLANT);
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      const here = faults.filter(({ file }) => url.endsWith(`/src/${file}`));
      if (here.length === 0) return loaded;
      let source = Buffer.from(loaded.source as Uint8Array).toString();
      for (const { text, fault } of here) {
        if (source.split(text).length !== 2) throw new Error(`${url} does not hold this once: ${text}`);
        source = source.replace(text, fault);
      }
      return { ...loaded, source };
    },
  });
}
