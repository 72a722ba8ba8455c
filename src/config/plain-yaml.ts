import { type Document, isAlias, isMap, isNode, isPair, isScalar, isSeq, type Node, type Scalar } from "yaml";
import { firstUnseen, visible } from "../lib/visible.ts";

/** Something that is refused; `at` is its offset in the text. */
export interface Fault {
  at: number;
  message: string;
}

/** The message for a file that is nested beyond the bound. */
export const TOO_DEEP = "nested too deeply; no configuration needs that";

/** The message for a star that is meant as one: cron lines and hosts begin with it, and to YAML it is the mark of an alias. */
export const QUOTE_STAR =
  'a text that begins with * has to stand in quotes, for example "*/15 * * * *" or "*.example.org"';

/** A configuration has some ten levels. */
const DEPTH_MAX = 50;
const ALIASES_MAX = 200;
const KEYS_MAX = 1_000;

/** What YAML 1.2 takes for a number, and a person may mean otherwise: octal, hexadecimal, exponents, a sign, a dot alone. */
const PLAIN_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/;

/**
 * What YAML allows and nobody needs to configure an agent, but could mean something else to whoever wrote it, or to who
 * reads it: another version of YAML, tags, numbers that are not plainly decimal, an alias within itself, a key twice, or
 * one that holds what nobody sees.
 */
export function notPlain(document: Document.Parsed, text: string): Fault[] {
  const faults = otherVersion(document, text);
  let aliases = 0;
  walk(document.contents, 0, new Set());
  return faults;

  function walk(node: unknown, depth: number, above: Set<unknown>): void {
    if (!isNode(node)) return;
    const at = node.range?.[0] ?? 0;
    if (depth > DEPTH_MAX) faults.push({ at, message: TOO_DEEP });
    if (depth > DEPTH_MAX) return;
    if (isAlias(node)) {
      aliases += 1;
      // Each is looked for in the whole document.
      if (aliases === ALIASES_MAX)
        faults.push({ at, message: `the alias number ${ALIASES_MAX}; write them out` });
      if (aliases >= ALIASES_MAX) return;
      const repeated = node.resolve(document);
      if (repeated === undefined) faults.push({ at, message: QUOTE_STAR });
      else if (above.has(repeated))
        faults.push({ at, message: "an alias that stands within what it repeats; write it out" });
      return;
    }
    if (node.tag !== undefined) faults.push({ at, message: "found a tag (!…); write the value without it" });
    if (isScalar(node)) faults.push(...notDecimal(node, at));
    if (!isMap(node) && !isSeq(node)) return;
    if (isMap(node) && node.items.length > KEYS_MAX) {
      faults.push({ at, message: `more than ${KEYS_MAX} keys in one section; no configuration needs that` });
      return;
    }
    if (isMap(node)) faults.push(...keyFaults(node.items.map(({ key }) => key)));
    above.add(node);
    for (const item of node.items as unknown[]) {
      const parts = isPair(item) ? [item.key, item.value] : [item];
      for (const part of parts) walk(part, depth + 1, above);
    }
    above.delete(node);
  }
}

/** NUL and its like are no text; a file that holds many of them is mostly UTF-16. */
export function controlCharacters(text: string): Fault[] {
  const found = /[^\P{Cc}\t\n\r\u0085]|\ufffe|\uffff/u.exec(text);
  if (found === null) return [];
  const message = `found the character ${firstUnseen(found[0])}, which does not belong into a text; save the file as UTF-8 without it`;
  return [{ at: found.index, message }];
}

function otherVersion({ directives }: Document.Parsed, text: string): Fault[] {
  if (directives?.yaml.version !== "1.1") return [];
  const message = "found YAML 1.1, which reads 1:30 as 90 and yes as true; leave this line out";
  return [{ at: Math.max(0, text.search(/^%YAML\s+1\.1/m)), message }];
}

function notDecimal({ value, source, type }: Scalar, at: number): Fault[] {
  if (typeof value !== "number" || type !== "PLAIN" || PLAIN_NUMBER.test(source ?? "")) return [];
  const meant = Number.isFinite(value) ? `; if that is meant, write ${value}` : "";
  return [
    {
      at,
      message: `found ${visible(source ?? "").slice(0, 60)}, which is not a plain decimal number${meant}`,
    },
  ];
}

function keyFaults(keys: readonly unknown[]): Fault[] {
  const known = new Set<string>();
  return keys.flatMap((key) => {
    if (!isScalar(key) || typeof key.value !== "string") return [];
    const at = (key as Node).range?.[0] ?? 0;
    const faults: Fault[] = [];
    const unseen = firstUnseen(key.value);
    if (unseen !== null)
      faults.push({ at, message: `found a key that holds ${unseen}, which nobody sees; write it without` });
    else if (key.value !== key.value.normalize("NFC"))
      faults.push({
        at,
        message: `found the key ${key.value} in decomposed Unicode; write it in composed form (NFC)`,
      });
    if (known.has(key.value)) faults.push({ at, message: "Map keys must be unique; write each once" });
    known.add(key.value);
    return faults;
  });
}
