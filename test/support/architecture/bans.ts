import type { Breach, Rule, Snippet } from "./rule.ts";
import { dotted, isNode, type Located, type Source } from "./source.ts";

const LINES_MAX = 250;

/** Names that may not be used, each outside of the one place that it is for. */
export const BANS: readonly Rule[] = [
  names({
    name: "only config/ reads the environment",
    isAllowed: (path) => path.startsWith("config/"),
    isBanned: (name) => /^process\.env(\.|$)/.test(name) || /^node:process#(env|\*|default)$/.test(name),
    breaks: [
      ["cli/a.ts", "const state = process.env.AFK_STATE;"],
      ["cli/a.ts", 'const state = process["env"].AFK_STATE;'],
      ["cli/a.ts", "const { env } = process;"],
      ["cli/a.ts", "const all = { ...globalThis.process.env };"],
      ["cli/a.ts", 'import { env } from "node:process";'],
      ["cli/a.ts", 'import process from "process";'],
    ],
    keeps: [
      ["config/environment.ts", "export const all = { ...process.env };"],
      ["cli/a.ts", "const directory = process.cwd(); const env = config.env;"],
    ],
  }),
  names({
    name: "time comes from lib/clock",
    isAllowed: (path) => path === "lib/clock.ts",
    isBanned: (name) =>
      /^(Date\.now|new Date\(\)|performance\.(now|timeOrigin)|process\.(hrtime|uptime)(\.bigint)?)$/.test(
        name,
      ) ||
      /^(setTimeout|setInterval)$/.test(name) ||
      /^node:(timers(\/promises)?#(?!setImmediate)|perf_hooks#)/.test(name),
    breaks: [
      ["queue/a.ts", "const now = Date.now();"],
      ["queue/a.ts", "const clock = Date.now;"],
      ["queue/a.ts", "const now = new Date();"],
      ["queue/a.ts", "const now = Date();"],
      ["queue/a.ts", "const now = performance.now();"],
      ["queue/a.ts", "const { now } = Date;"],
      ["queue/a.ts", "const began = process.hrtime.bigint();"],
      ["queue/a.ts", "setTimeout(run, 10);"],
      ["queue/a.ts", "globalThis.setInterval(run, 10);"],
      ["queue/a.ts", 'import { setTimeout as delay } from "node:timers/promises";'],
      ["queue/a.ts", 'import { performance } from "perf_hooks";'],
    ],
    keeps: [
      ["lib/clock.ts", "export const nowMs = () => Date.now();"],
      ["queue/a.ts", "const day = new Date(clock.nowMs()); const limit = AbortSignal.timeout(10);"],
      ["queue/a.ts", "export const wait = (setTimeout: Wait) => setTimeout(10);"],
    ],
  }),
  names({
    name: "randomness comes from lib/ids",
    isAllowed: (path) => path === "lib/ids.ts",
    isBanned: (name) =>
      /^(Math\.random|crypto\.(randomUUID|getRandomValues))$/.test(name) ||
      /^node:crypto#(random|getRandom)/.test(name),
    breaks: [
      ["queue/a.ts", "const jitter = Math.random();"],
      ["queue/a.ts", "const id = crypto.randomUUID();"],
      ["queue/a.ts", 'import { randomBytes } from "node:crypto";'],
      ["queue/a.ts", 'import { randomUUID } from "crypto";'],
    ],
    keeps: [
      ["lib/ids.ts", "export const random = () => Math.random();"],
      ["queue/a.ts", 'import { createHash } from "node:crypto"; const most = Math.max(1, 2);'],
    ],
  }),
  names({
    name: "signals are joined by lib/signals, which lets go of them",
    isAllowed: () => false,
    isBanned: (name) => name === "AbortSignal.any",
    breaks: [["queue/a.ts", "const signal = AbortSignal.any([signal, other]);"]],
    keeps: [["queue/a.ts", "using joined = joinSignals([signal, other]);"]],
  }),
  names({
    name: "nothing prints with console",
    isAllowed: () => false,
    isBanned: (name) => /^(console(\.|$)|node:console#)/.test(name),
    breaks: [
      ["cli/a.ts", 'console.log("x");'],
      ["cli/a.ts", "const { error } = console;"],
      ["cli/a.ts", 'globalThis.console.error("x");'],
    ],
    keeps: [["cli/a.ts", 'import { consola } from "consola/basic"; consola.info("x");']],
  }),
  names({
    name: "only cli/ ends the process",
    isAllowed: (path) => path.startsWith("cli/"),
    isBanned: (name) => /^process\.(exit|reallyExit|abort|exitCode)$|^node:process#(exit|abort)$/.test(name),
    breaks: [
      ["runner/a.ts", "process.exit(1);"],
      ["runner/a.ts", "process.exitCode = 1;"],
      ["runner/a.ts", 'import { exit } from "node:process";'],
    ],
    keeps: [
      ["cli/run.ts", "process.exit(1);"],
      ["runner/a.ts", 'process.on("exit", stop);'],
    ],
  }),
  syntax({
    name: "only commands have default exports",
    isAllowed: (path) => path.startsWith("cli/commands/"),
    find: ({ node }) =>
      node.type === "ExportDefaultDeclaration" ||
      (node.type === "ExportSpecifier" && dotted(node.exported) === "default"),
    breaks: [
      ["lib/a.ts", "export default 1;"],
      ["lib/a.ts", "const a = 1; export { a as default };"],
    ],
    keeps: [["cli/commands/a.ts", "export default 1;"]],
  }),
  syntax({
    name: "no barrels",
    find: ({ node }) => node.type === "ExportAllDeclaration",
    breaks: [
      ["lib/a.ts", 'export * from "./b.ts";'],
      ["lib/a.ts", 'export * as b from "./b.ts";'],
    ],
    keeps: [["lib/a.ts", 'export type { B } from "./b.ts";']],
  }),
  syntax({
    name: "syntax is erasable",
    find: ({ node }) =>
      ["TSEnumDeclaration", "TSModuleDeclaration", "TSGlobalDeclaration", "TSParameterProperty"].includes(
        node.type,
      ) || ["TSImportEqualsDeclaration", "TSExportAssignment"].includes(node.type),
    breaks: [
      ["lib/a.ts", "enum A { B }"],
      ["lib/a.ts", "export declare const enum A { B }"],
      ["lib/a.ts", "namespace A { export const b = 1; }"],
      ["lib/a.ts", "class A { constructor(private readonly b: string) {} }"],
      ["lib/a.ts", "declare global { interface A {} }"],
    ],
    keeps: [["lib/a.ts", 'export const A = { b: "b" } as const; export type A = keyof typeof A;']],
  }),
  syntax({
    name: "types are not switched off",
    find: ({ node }) => ["TSAnyKeyword", "TSNonNullExpression"].includes(node.type),
    breaks: [
      ["lib/a.ts", "export const a = (b: any) => b;"],
      ["lib/a.ts", "export const a = b as unknown as any[];"],
      ["lib/a.ts", "export const a = b!.c;"],
    ],
    keeps: [["lib/a.ts", 'export const any = (b: unknown) => !b; const c = "any";']],
  }),
  syntax({
    name: "errors are not swallowed",
    find: swallows,
    breaks: [
      ["lib/a.ts", "try { run(); } catch {}"],
      ["lib/a.ts", "try { run(); } catch { /* It does not matter. */ }"],
      ["lib/a.ts", "try { run(); } catch (error) { ; }"],
      ["lib/a.ts", "run().catch(() => {});"],
      ["lib/a.ts", "run().then(done, () => {});"],
      ["lib/a.ts", "run().catch(() => undefined);"],
    ],
    keeps: [
      ["lib/a.ts", "export function a() { try { return run(); } catch { return null; } }"],
      ["lib/a.ts", "run().catch((error) => report(error)); list.map(() => {});"],
      ["lib/a.ts", "await clock.sleep(10, signal).catch(() => undefined);"],
      ["lib/a.ts", "await clock.idle(signal).catch(() => undefined);"],
    ],
  }),
  {
    name: "comments leave nothing undone and switch off no check of types",
    check: ({ comments }) =>
      comments
        .filter(({ text }) => /\b(TODO|FIXME|XXX|HACK)\b|@ts-(ignore|expect-error|nocheck)/.test(text))
        .map(({ text, line }) => ({ line, message: `comment: ${text.trim()}` })),
    breaks: [
      ["lib/a.ts", "// TODO: later"],
      ["lib/a.ts", "/** FIXME */ export const a = 1;"],
      ["lib/a.ts", "// @ts-expect-error\nexport const a: number = 'b';"],
    ],
    keeps: [["lib/a.ts", '// All that was left to do is done.\nconst a = "TODO";']],
  },
  {
    name: `files have at most ${LINES_MAX} lines`,
    check({ text }) {
      const count = text.trimEnd().split("\n").length;
      return count > LINES_MAX ? [{ line: count, message: `has ${count} lines: split it` }] : [];
    },
    breaks: [["lib/a.ts", "run();\n".repeat(LINES_MAX + 1)]],
    keeps: [["lib/a.ts", "run();\n".repeat(LINES_MAX)]],
  },
];

interface Parts {
  name: string;
  isAllowed?(path: string): boolean;
  breaks: readonly Snippet[];
  keeps: readonly Snippet[];
}

function names(parts: Parts & { isBanned(name: string): boolean }): Rule {
  return {
    ...parts,
    check: (source: Source): Breach[] =>
      parts.isAllowed?.(source.path)
        ? []
        : source.uses
            .filter(({ name }) => parts.isBanned(name))
            .map(({ name, line }) => ({ line, message: `uses ${name}` })),
  };
}

function syntax(parts: Parts & { find(located: Located): boolean }): Rule {
  return {
    ...parts,
    check: (source: Source): Breach[] =>
      parts.isAllowed?.(source.path)
        ? []
        : source.nodes.filter(parts.find).map(({ node, line }) => ({ line, message: `has ${node.type}` })),
  };
}

/**
 * An empty catch block, or a promise whose failure goes to a function that does nothing with it. A sleep is no
 * such promise: it rejects only when its signal ends it, and the caller has that signal.
 */
function swallows({ node }: Located): boolean {
  if (node.type === "CatchClause") return isEmpty(node.body);
  if (node.type !== "CallExpression" || !isNode(node.callee) || node.callee.type !== "MemberExpression")
    return false;
  if (isNode(node.callee.object) && /\.(sleep|idle)$/.test(dotted(node.callee.object.callee) ?? ""))
    return false;
  const method = isNode(node.callee.property) ? node.callee.property.name : undefined;
  const handler = (node.arguments as unknown[])[method === "catch" ? 0 : method === "then" ? 1 : -1];
  if (!isNode(handler) || !/Function/.test(handler.type)) return false;
  return isEmpty(handler.body) || dotted(handler.body) === "undefined";
}

function isEmpty(body: unknown): boolean {
  return (
    isNode(body) &&
    body.type === "BlockStatement" &&
    (body.body as { type: string }[]).every((statement) => statement.type === "EmptyStatement")
  );
}
