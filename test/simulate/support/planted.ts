/** A change of one line of the sources, made while they are loaded into a thread. */
export interface Planted {
  /** Path under src/. */
  file: string;
  from: string;
  to: string;
}

/** Arguments of Node that plant it: a module hook, in the words of a module of its own. Loading fails where the line is not. */
export function plant({ file, from, to }: Planted): string[] {
  const code = `
    import { registerHooks } from "node:module";
    registerHooks({
      load(url, context, next) {
        const loaded = next(url, context);
        if (!url.endsWith(${JSON.stringify(`/src/${file}`)})) return loaded;
        const parts = String(loaded.source).split(${JSON.stringify(from)});
        if (parts.length !== 2) throw new Error(${JSON.stringify(`src/${file} has not one line like: ${from}`)});
        return { ...loaded, source: parts.join(${JSON.stringify(to)}) };
      },
    });`;
  return ["--import", `data:text/javascript,${encodeURIComponent(code)}`];
}
