import { isDeepStrictEqual } from "node:util";
import {
  type CompiledQuery,
  type Driver,
  Kysely,
  type OperationNode,
  type QueryResult,
  SelectQueryNode,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  sql,
} from "kysely";
import pg from "pg";
import type { DatabaseTarget } from "../../../src/lib/database-target.ts";
import { Compiler } from "../../../src/store/postgres/compiler.ts";
import { TYPES, toParameter } from "../../../src/store/postgres/values.ts";
import type { Db, Schema, Trx } from "../../../src/store/schema.ts";
import { afterCommit, collectAfterCommit, type Store } from "../../../src/store/store.ts";

/** PostgreSQL beside SQLite: what is written to the one is written to the other, and what they give is compared. */
export interface Mirror {
  /** What differed so far, in words. */
  differences: string[];
  /** The store, whose statements go to both; they give what PostgreSQL gives. All tables are compared when it is closed. */
  over(store: Store): Store;
  /** Compares all tables. */
  compareTables(db: Db): Promise<void>;
  /** Leaves nothing of it all behind. */
  undo(): Promise<void>;
}

export interface MirrorOptions {
  /** What is planted: the statement that PostgreSQL gets instead. */
  plant?(sql: string): string;
}

/** A connection to a state of PostgreSQL that is as its migrations leave it. `types`: of what it gives. */
export async function connectMirror({ url, schema }: DatabaseTarget, types = TYPES): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, types, pipeline: true });
  await client.connect();
  await client.query(`set search_path to "${schema}"`);
  return client;
}

/** What is beside a store that was just made: one transaction, which is never committed and costs no database of its own. */
export async function openMirror(client: pg.Client, options: MirrorOptions = {}): Promise<Mirror> {
  const { plant = (sql) => sql } = options;
  await client.query("begin");
  // Numbers begin with one again, as in a new file: a sequence does not forget what was rolled back.
  await client.query("alter table owners alter column id restart");
  const differences: string[] = [];
  // One after the other: savepoints of statements that were sent at once would be within each other.
  let last: Promise<unknown> = Promise.resolve();
  const next = <T>(work: () => Promise<T>): Promise<T> => {
    const done = last.then(work);
    last = done.catch(() => undefined);
    return done;
  };

  async function mirrored({ sql, parameters }: Statement): Promise<Outcome> {
    const saved = client.query("savepoint statement");
    try {
      const answer = await client.query(plant(sql), parameters.map(toParameter));
      return { rows: answer.rows, changed: answer.rowCount ?? 0 };
    } catch (error) {
      await client.query("rollback to statement");
      return { error };
    } finally {
      await Promise.all([saved, client.query("release statement")]);
    }
  }

  /** Runs a statement on both, and compares. */
  async function onBoth(execute: Execute, query: CompiledQuery): Promise<QueryResult<unknown>> {
    let result: QueryResult<unknown> | undefined;
    let error: unknown;
    try {
      result = await execute(query);
    } catch (thrown) {
      error = thrown;
    }
    if (OF_A_TEST.test(query.sql)) {
      if (result === undefined) throw error;
      return result;
    }
    const statement = translate(query);
    const there = await next(() => mirrored(statement));
    const here =
      result === undefined ? { error } : { rows: result.rows, changed: Number(result.numAffectedRows ?? 0n) };
    const difference = compare(here, there, query);
    if (difference !== null)
      differences.push(`${difference}\n  ${statement.sql}\n  ${show(statement.parameters)}`);
    if (result === undefined) throw error;
    if ("error" in there) return result;
    // What has no order comes the other way round, so that nothing rests on the one it happens to have.
    const rows = isOrdered(query) ? there.rows : there.rows.toReversed();
    return { ...result, rows: [...rows] };
  }

  const kyselyOver = (db: Db) => openKysely((query) => onBoth((each) => db.executeQuery(each), query));

  const mirror: Mirror = {
    differences,
    over(store) {
      const atomically: Store["atomically"] = (work) =>
        store.atomically(async (trx) => {
          await next(() => client.query("savepoint section"));
          try {
            const value = await kyselyOver(trx)
              .transaction()
              .execute((both) => withHooks(both, trx, work));
            await next(() => client.query("release section"));
            return value;
          } catch (error) {
            await next(() => client.query("rollback to section; release section"));
            throw error;
          }
        });
      return {
        ...store,
        db: kyselyOver(store.db),
        latest: kyselyOver(store.latest),
        pages: kyselyOver(store.pages),
        atomically,
        atomicallySoon: (work) => atomically(work),
        async close() {
          await mirror.compareTables(store.db);
          await store.close();
        },
      };
    },
    async compareTables(db) {
      await last;
      const names = await tableNames(db);
      const there = await Promise.all(names.map((name) => client.query(`select * from "${name}"`)));
      for (const [at, name] of names.entries()) {
        const here = await db.selectFrom(name).selectAll().execute();
        const [a, b] = [here.map(plain).sort(byText), there[at]!.rows.map(plain).sort(byText)];
        if (!isDeepStrictEqual(a, b)) differences.push(`table ${name}\n  ${show(a)}\n  ${show(b)}`);
      }
    },
    async undo() {
      await last;
      await client.query("rollback");
    },
  };
  return mirror;
}

async function tableNames(db: Db): Promise<(keyof Schema)[]> {
  const { rows } = await sql<{ name: keyof Schema }>`select name from sqlite_schema
    where type = 'table' and name not like 'sqlite_%' and name not like 'kysely_%'`.execute(db);
  return rows.map(({ name }) => name);
}

/** A test may look at SQLite's own numbers of rows, and at what SQLite alone has. */
const OF_A_TEST = /\browid\b|\bsqlite_|^\s*(?:pragma|explain)\b/i;

type Execute = (query: CompiledQuery) => Promise<QueryResult<unknown>>;
type Statement = Pick<CompiledQuery, "sql" | "parameters">;
type Outcome = { rows: readonly unknown[]; changed: number } | { error: unknown };

/** The hooks of a section, which are kept by the transaction that it was given. */
async function withHooks<T>(both: Trx, trx: Trx, work: (trx: Trx) => Promise<T>): Promise<T> {
  const hooks = collectAfterCommit(both);
  const value = await work(both);
  for (const hook of hooks) afterCommit(trx, hook);
  return value;
}

function openKysely(execute: Execute): Db {
  const nothing = async () => undefined;
  const driver: Driver = {
    init: nothing,
    acquireConnection: async () => ({
      executeQuery: async <Row>(query: CompiledQuery) => (await execute(query)) as QueryResult<Row>,
      // biome-ignore lint/correctness/useYield: nothing is streamed
      async *streamQuery() {
        throw new Error("nothing is streamed");
      },
    }),
    beginTransaction: nothing,
    commitTransaction: nothing,
    rollbackTransaction: nothing,
    releaseConnection: nothing,
    destroy: nothing,
  };
  return new Kysely<Schema>({
    dialect: {
      createAdapter: () => new SqliteAdapter(),
      createDriver: () => driver,
      createIntrospector: (db) => new SqliteIntrospector(db),
      createQueryCompiler: () => new SqliteQueryCompiler(),
    },
  });
}

/** The statement as it goes to PostgreSQL. What was compiled before its values were known has them by their position. */
function translate({ query, queryId, parameters }: CompiledQuery): Statement {
  const sqlite = new SqliteQueryCompiler().compileQuery(query, queryId);
  const postgres = new Compiler().compileQuery(query, queryId);
  const values = postgres.parameters.map((parameter, at) => {
    if (parameter !== sqlite.parameters[at]) throw new Error(`parameters in another order: ${postgres.sql}`);
    return parameters[at];
  });
  return { sql: postgres.sql, parameters: values };
}

/** What differs, or null. Rows of a statement that names no order have none. */
function compare(here: Outcome, there: Outcome, query: CompiledQuery): string | null {
  const node: OperationNode = query.query;
  if ("error" in here || "error" in there) {
    const [a, b] = [here, there].map((each) => ("error" in each ? kindOf(each.error) : "no error"));
    return a === b ? null : `SQLite: ${a}, PostgreSQL: ${b}`;
  }
  const [a, b] = [here.rows.map(plain), there.rows.map(plain)];
  const isChange = !SelectQueryNode.is(node) && node.kind !== "RawNode";
  if (isChange && here.changed !== there.changed && a.length === 0)
    return `SQLite changed ${here.changed}, PostgreSQL ${there.changed}`;
  if (isDeepStrictEqual(a, b)) return null;
  if (!isOrdered(query) && isDeepStrictEqual([...a].sort(byText), [...b].sort(byText))) return null;
  // Any of them: whether there is one.
  if (SelectQueryNode.is(node) && node.limit !== undefined && !isOrdered(query) && a.length === b.length)
    return null;
  return `SQLite: ${show(a)}, PostgreSQL: ${show(b)}`;
}

function isOrdered({ query, sql }: CompiledQuery): boolean {
  return query.kind === "RawNode"
    ? /\border by\b/i.test(sql)
    : SelectQueryNode.is(query) && query.orderBy !== undefined;
}

/** Kinds of errors that the engines name by codes of their own. */
const KINDS: Record<string, RegExp> = {
  unique: /^(?:23505|SQLITE_CONSTRAINT_(?:UNIQUE|PRIMARYKEY|ROWID))$/,
  check: /^(?:23514|SQLITE_CONSTRAINT_CHECK)$/,
  null: /^(?:23502|SQLITE_CONSTRAINT_NOTNULL)$/,
  reference: /^(?:23503|SQLITE_CONSTRAINT_FOREIGNKEY)$/,
};

function kindOf(error: unknown): string {
  const { code, message } = error as { code?: string; message?: string };
  if (code === "42P01" || message?.startsWith("no such table") === true) return "no such table";
  const kind = Object.keys(KINDS).find((each) => KINDS[each]?.test(code ?? ""));
  return kind ?? `${code} ${message}`;
}

/** A row with its values in the order of their names; U+0000 is what PostgreSQL keeps no text of. */
function plain(row: unknown): unknown {
  return Object.fromEntries(
    Object.entries(row as object)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => [name, plainValue(value)]),
  );
}

function plainValue(value: unknown): unknown {
  if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString("hex")}`;
  if (typeof value === "boolean") return Number(value);
  return typeof value === "string" ? value.replaceAll("\0", "\uFFFD") : value;
}

function byText(a: unknown, b: unknown): number {
  const [one, other] = [JSON.stringify(a), JSON.stringify(b)];
  return one < other ? -1 : one > other ? 1 : 0;
}

function show(value: unknown): string {
  return JSON.stringify(value).slice(0, 1_000);
}
