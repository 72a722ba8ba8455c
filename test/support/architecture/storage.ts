import type { Rule } from "./rule.ts";
import { dotted, isNode, type Node } from "./source.ts";

/** What keeps the rest of the code apart from the database engine. */
export const STORAGE_RULES: readonly Rule[] = [
  {
    name: "the one way to write is store.atomically",
    check: ({ path, nodes }) =>
      path.startsWith("store/")
        ? []
        : nodes
            .filter(({ node }) => node.type === "CallExpression" && isNode(node.callee))
            .filter(({ node }) => /\.(startTransaction|transaction)$/.test(dotted(node.callee) ?? ""))
            .map(({ line }) => ({ line, message: "begins a transaction of its own" })),
    breaks: [
      ["queue/a.ts", "await db.transaction().execute(work);"],
      ["queue/a.ts", "await parts.store.db.startTransaction().execute();"],
    ],
    keeps: [
      ["store/sqlite/open.ts", "await db.transaction().execute(work);"],
      ["queue/a.ts", "await store.atomically(work);"],
    ],
  },
  {
    name: "what is done with the data knows no engine",
    check: ({ path, imports }) =>
      /^(lib|http|config|logs|alerts|queue|rails|egress|providers|jobs|evidence|cli)\//.test(path)
        ? imports
            .filter(({ target }) => target?.startsWith("store/sqlite/"))
            .map(({ target, line }) => ({ line, message: `imports ${target}` }))
        : [],
    breaks: [["queue/a.ts", 'import { openStore } from "../store/sqlite/open.ts";']],
    keeps: [
      ["queue/a.ts", 'import type { Store } from "../store/store.ts";'],
      ["ops/a.ts", 'import { openStore } from "../store/sqlite/open.ts";'],
    ],
  },
  {
    name: "SQL outside of store/sqlite is portable",
    check: ({ path, nodes }) =>
      SQLITE_ONLY.test(path)
        ? []
        : nodes.flatMap(({ node, line }) =>
            sqlOf(node)
              .filter((text) => NOT_PORTABLE.test(text))
              .map((text) => ({ line, message: `says ${NOT_PORTABLE.exec(text)?.[0]}` })),
          ),
    breaks: [
      ["ops/a.ts", "sql`select value from json_each(x)`;"],
      ["ops/a.ts", "sql<boolean>`instr(key, ':') = 0`;"],
      ["ops/a.ts", "sql`select rowid from alerts`;"],
      ["ops/a.ts", "sql`pragma page_count`.execute(db);"],
      ["ops/a.ts", "sql`select name from sqlite_master`;"],
      ["ops/a.ts", "sql`insert or ignore into seen values (1)`;"],
      ["ops/a.ts", "sql`select max(a, b) from t`;"],
      ["queue/a.ts", "sql`run_at <= +id`;"],
      ["queue/a.ts", 'eb.fn<number>("max", ["last_at", eb.val(nowMs)]);'],
      ["queue/a.ts", 'eb.fn("json_extract", ["result"]);'],
    ],
    keeps: [
      ["store/sqlite/a.ts", "sql`pragma page_count`.execute(db);"],
      ["ops/a.ts", "sql`select max(created_at), coalesce(a, b) from t where a > x + y`;"],
      ["queue/a.ts", 'eb.fn.max("id"); eb.fn<string>("substr", ["error", eb.lit(1)]);'],
      ["ops/a.ts", "const text = `pragma page_count`;"],
    ],
  },
];

/** What stands for the engine itself, or reads its file beside it. */
const SQLITE_ONLY = /^(store\/sqlite|simulate|faults|drill)\//;

/** Functions and words that only SQLite has; a scalar `max` or `min`, and a plus that keeps an index out. */
const NOT_PORTABLE =
  /\b(json_\w+|instr|ifnull|iif|strftime|unixepoch|group_concat|rowid|sqlite_\w+|pragma|vacuum|glob|insert or)\b|\b(max|min)\s*\([^()]*,|[<>=(]\s*\+\s*(\?|\w|$)/i;

/** The SQL in a tagged template, with ? for its values, and the function that `eb.fn` is told to call. */
function sqlOf(node: Node): string[] {
  if (node.type === "TaggedTemplateExpression" && dotted(node.tag) === "sql") {
    const { quasis } = node.quasi as { quasis: { value: { raw: string } }[] };
    return [quasis.map(({ value }) => value.raw).join("?")];
  }
  if (node.type !== "CallExpression" || !/\.fn$/.test(dotted(node.callee) ?? "")) return [];
  const [name] = node.arguments as { value?: unknown }[];
  // A call of it with more than one argument is the scalar function.
  return typeof name?.value === "string" ? [`${name.value}(a, b)`] : [];
}
