/** Where something is in afk.yaml: keys and list positions from the top. */
export type Path = readonly (string | number)[];

/** `jobs[0].sources[1].feed`, `models.prices["openai/gpt"].input`. */
export function formatPath(path: Path): string {
  let text = "";
  for (const key of path) {
    if (typeof key === "number") text += `[${key}]`;
    else if (/^\w+$/.test(key)) text += text === "" ? key : `.${key}`;
    else text += `[${JSON.stringify(key)}]`;
  }
  return text;
}

/** A mapping, as opposed to a list, a text, a number or nothing. */
export function isSection(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
