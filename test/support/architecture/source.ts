import { readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { parseSync } from "rolldown/utils";

/** One file of `src/` as the rules see it. Paths are relative to `src/`, with forward slashes. */
export interface Source {
  path: string;
  text: string;
  nodes: readonly Located[];
  comments: readonly { text: string; line: number }[];
  imports: readonly Import[];
  uses: readonly Use[];
}

/** `target` is a path below `src/` for a relative import, and undefined for a package or a Node module. */
export interface Import {
  specifier: string;
  target: string | undefined;
  line: number;
}

/**
 * A name that the code refers to and did not declare itself: `fetch`, `process.env`, `new Date()`, or
 * `node:crypto#randomBytes` for what it imports.
 */
export interface Use {
  name: string;
  line: number;
}

export interface Node {
  type: string;
  start: number;
  [key: string]: unknown;
}

export interface Located {
  node: Node;
  /** The node around it and the property of that which holds it. */
  parent: Node | undefined;
  key: string;
  line: number;
}

/** Every TypeScript file below the folder. */
export function readSources(root: string): Source[] {
  return readdirSync(root, { recursive: true, encoding: "utf8" })
    .map((path) => path.replaceAll("\\", "/"))
    .filter((path) => path.endsWith(".ts"))
    .sort()
    .map((path) => parseSource(path, readFileSync(join(root, path), "utf8")));
}

/** @throws when the text is not TypeScript: a file that cannot be read cannot be said to keep the rules. */
export function parseSource(path: string, text: string): Source {
  const parsed = parseSync(path, text);
  if (parsed.errors.length > 0) throw new Error(`${path}: ${parsed.errors[0]?.message}`);
  const lineAt = (offset: number) => text.slice(0, offset).split("\n").length;
  const nodes = flatten(parsed.program as unknown as Node, lineAt);
  return {
    path,
    text,
    nodes,
    comments: parsed.comments.map((comment) => ({ text: comment.value, line: lineAt(comment.start) })),
    imports: nodes.flatMap((located) => importOf(path, located)),
    uses: usesOf(nodes),
  };
}

export function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && typeof (value as Node).type === "string";
}

/** `a.b.c` for a chain of plain names, without a leading `globalThis`. */
export function dotted(node: unknown): string | undefined {
  if (!isNode(node)) return undefined;
  if (node.type === "Identifier") return String(node.name);
  if (node.type === "ChainExpression") return dotted(node.expression);
  if (node.type !== "MemberExpression") return undefined;
  const object = dotted(node.object);
  const property = nameOf(node.property, node.computed === true);
  if (object === undefined || property === undefined) return undefined;
  return object === "globalThis" ? property : `${object}.${property}`;
}

function flatten(root: Node, lineAt: (offset: number) => number): Located[] {
  const found: Located[] = [];
  const visit = (node: Node, parent: Node | undefined, key: string): void => {
    found.push({ node, parent, key, line: lineAt(node.start) });
    for (const [childKey, child] of Object.entries(node)) {
      for (const item of Array.isArray(child) ? child : [child])
        if (isNode(item)) visit(item, node, childKey);
    }
  };
  visit(root, undefined, "");
  return found;
}

function importOf(path: string, { node, line }: Located): Import[] {
  const specifier = specifierOf(node);
  if (specifier === undefined) return [];
  const target = specifier.startsWith(".") ? posix.join(posix.dirname(path), specifier) : undefined;
  return [{ specifier, target, line }];
}

function specifierOf(node: Node): string | undefined {
  switch (node.type) {
    case "ImportDeclaration":
    case "ExportNamedDeclaration":
    case "ExportAllDeclaration":
    case "TSImportType":
      return literal(node.source);
    case "ImportExpression":
      return literal(node.source) ?? "(computed)";
    case "NewExpression": {
      // `new URL("./guard.ts", import.meta.url)` is how a worker thread's file is named.
      const [first] = node.arguments as Node[];
      const file = dotted(node.callee) === "URL" ? literal(first) : undefined;
      return file?.startsWith(".") && /\.[cm]?[jt]s$/.test(file) ? file : undefined;
    }
    default:
      return undefined;
  }
}

function usesOf(nodes: readonly Located[]): Use[] {
  const declared = new Set(nodes.filter(isDeclaration).map(({ node }) => String(node.name)));
  const isForeign = (name: string) => !declared.has(name.split(".")[0] ?? "");
  return nodes.flatMap(({ node, parent, key, line }) => {
    const names: string[] = [];
    if (node.type === "Identifier" && isReference(parent, key)) names.push(String(node.name));
    if (node.type === "MemberExpression") names.push(dotted(node) ?? "");
    if (node.type === "VariableDeclarator") names.push(...destructured(node));
    if (
      node.type === "NewExpression" &&
      dotted(node.callee) === "Date" &&
      (node.arguments as []).length === 0
    ) {
      names.push("new Date()");
    }
    if (node.type === "CallExpression" && dotted(node.callee) === "Date") names.push("new Date()");
    const foreign = names.filter((name) => name !== "" && (name === "new Date()" || isForeign(name)));
    return [...foreign, ...imported(node)].map((name) => ({ name, line }));
  });
}

/** `const { env } = process` uses `process.env`. */
function destructured(declarator: Node): string[] {
  const from = dotted(declarator.init);
  if (from === undefined || !isNode(declarator.id) || declarator.id.type !== "ObjectPattern") return [];
  const base = from === "globalThis" ? "" : `${from}.`;
  return (declarator.id.properties as Node[]).map((property) => base + (nameOf(property.key, false) ?? ""));
}

function imported(node: Node): string[] {
  if (node.type !== "ImportDeclaration" || node.importKind === "type") return [];
  const module = literal(node.source) ?? "";
  return (node.specifiers as Node[]).map((specifier) => {
    const name = specifier.type === "ImportSpecifier" ? nameOf(specifier.imported, false) : "*";
    return `${NODE_MODULES_BARE.has(module) ? `node:${module}` : module}#${name}`;
  });
}

const NODE_MODULES_BARE = new Set([
  "crypto",
  "process",
  "timers",
  "timers/promises",
  "perf_hooks",
  "console",
]);

function isDeclaration({ node, parent, key }: Located): boolean {
  if (node.type !== "Identifier" || parent === undefined) return false;
  if (key === "local") return parent.type.startsWith("Import");
  if (key === "params") return true;
  if (key === "id")
    return ["VariableDeclarator", "FunctionDeclaration", "ClassDeclaration"].includes(parent.type);
  return false;
}

function isReference(parent: Node | undefined, key: string): boolean {
  if (parent === undefined || parent.type.startsWith("TS")) return false;
  if (["ImportSpecifier", "ExportSpecifier", "ImportDefaultSpecifier"].includes(parent.type)) return false;
  return !(["property", "key", "id", "params", "label"].includes(key) && parent.computed !== true);
}

function nameOf(node: unknown, isComputed: boolean): string | undefined {
  if (!isNode(node)) return undefined;
  if (node.type === "Literal") return String(node.value);
  return isComputed ? undefined : String(node.name);
}

function literal(node: unknown): string | undefined {
  return isNode(node) && node.type === "Literal" && typeof node.value === "string" ? node.value : undefined;
}
