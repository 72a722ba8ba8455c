import { parseDocument } from "htmlparser2";
import { expect } from "vitest";
import type { ReleasePlan } from "../../../src/evidence/release/plan.ts";

/** A plan of an agent that is called test. */
export function plan(over: Partial<ReleasePlan> = {}): ReleasePlan {
  return {
    agent: "test",
    command: ["/usr/bin/node", "/srv/afk/main.ts"],
    configFile: "/srv/afk/afk.yaml",
    state: "/srv/afk/state",
    logs: "/srv/afk/state/logs",
    isContinuous: false,
    instance: null,
    readsPhone: false,
    everySeconds: 300,
    settings: [],
    leftOut: [],
    configHash: "0".repeat(64),
    ...over,
  };
}

interface Node {
  type: string;
  name?: string;
  data?: string;
  attribs?: Record<string, string>;
  children?: Node[];
}

/** What of a document is not as PropertyList-1.0.dtd has it: elements, their content, and the order of keys and values. */
export function breachesOf(xml: string): string[] {
  const document = parseDocument(xml, { xmlMode: true }) as unknown as Node;
  expect(xml).toMatch(/^<\?xml version="1\.0" encoding="UTF-8"\?>\n<!DOCTYPE plist PUBLIC/);
  const roots = elements(document);
  if (roots.length !== 1 || roots[0]?.name !== "plist") return ["the root is no plist"];
  const [plist] = roots;
  const inside = elements(plist!);
  if (plist?.attribs?.version !== "1.0" || inside.length !== 1) return ["plist 1.0 holds one value"];
  return inside.flatMap(breachesIn);
}

function breachesIn(node: Node): string[] {
  const inside = elements(node);
  const hasText = textOf(node).trim() !== "";
  switch (node.name) {
    case "dict": {
      const pairs = inside.flatMap((each, index) => {
        if (index % 2 === 0)
          return each.name === "key" && elements(each).length === 0 ? [] : ["a key is missing"];
        return breachesIn(each);
      });
      return [...pairs, ...(inside.length % 2 === 1 || hasText ? ["a dict is pairs alone"] : [])];
    }
    case "array":
      return [...inside.flatMap(breachesIn), ...(hasText ? ["an array has values alone"] : [])];
    case "string":
      return inside.length === 0 ? [] : ["a string is text"];
    case "integer":
      return /^-?\d+$/.test(textOf(node)) ? [] : ["an integer is digits"];
    case "true":
    case "false":
      return (node.children ?? []).length === 0 ? [] : [`${node.name} is empty`];
    default:
      return [`no property list has <${node.name}>`];
  }
}

/** What a property list holds. */
export function plistOf(xml: string): Record<string, unknown> {
  const document = parseDocument(xml, { xmlMode: true }) as unknown as Node;
  return meaningOf(elements(elements(document)[0]!)[0]!) as Record<string, unknown>;
}

function meaningOf(node: Node): unknown {
  const inside = elements(node);
  if (node.name === "array") return inside.map(meaningOf);
  if (node.name === "integer") return Number(textOf(node));
  if (node.name === "true" || node.name === "false") return node.name === "true";
  if (node.name !== "dict") return textOf(node);
  const pairs = inside.flatMap((key, index) =>
    index % 2 === 0 ? [[textOf(key), meaningOf(inside[index + 1]!)] as const] : [],
  );
  return Object.fromEntries(pairs);
}

function elements({ children = [] }: Node): Node[] {
  return children.filter(({ type }) => type === "tag");
}

function textOf({ children = [] }: Node): string {
  return children.map(({ data = "" }) => data).join("");
}
