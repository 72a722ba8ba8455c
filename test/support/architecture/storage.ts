import type { Rule } from "./rule.ts";
import { dotted, isNode } from "./source.ts";

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
];
