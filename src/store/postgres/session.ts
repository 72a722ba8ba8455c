import type { CompiledQuery, DatabaseConnection, QueryResult } from "kysely";
import { type QueryResult as Answer, Client } from "pg";
import { after } from "../../lib/clock.ts";
import type { DatabaseTarget } from "../../lib/database-target.ts";
import { messageOf } from "../../lib/errors.ts";
import { StoreRefused } from "../errors.ts";
import { explain, isAway, sqlState, unanswered } from "./errors.ts";
import { TYPES, toParameter } from "./values.ts";
import { describe } from "./where.ts";

/** A server that does not answer a new connection in this time is away. */
const CONNECT_MS = 5_000;
/** A section holds the agent's lock: one whose process has stopped is ended by the server. */
const IDLE_IN_TRANSACTION_MS = 10_000;
/** For the lock of another section; whoever waits asks again. */
const LOCK_MS = 10_000;
const STATEMENT_MS = 60_000;
/** A connection that is closed in order tells the server, which a link that is half open never answers. */
const CLOSE_MS = 1_000;
/** What changes nothing, answered or not. */
const READS = /^\s*select\b/i;

/** A way to the database. Nothing rests on what the server keeps of a session: behind a pooler each transaction may have another. */
export class Session implements DatabaseConnection {
  readonly client: Client;
  readonly #schema: string;
  readonly #local: string;
  readonly #where: string;
  #isInTransaction = false;
  #refused: unknown = null;
  #isLost = false;

  private constructor(client: Client, target: DatabaseTarget) {
    this.client = client;
    this.#schema = target.schema;
    this.#local = localSettings(target.schema);
    this.#where = describe(target);
    // One that breaks while it waits would else end the process; the next statement finds it lost.
    client.on("error", () => {
      this.#isLost = true;
    });
    client.on("end", () => {
      this.#isLost = true;
    });
  }

  /** @throws what `explain` makes of it. */
  static async open(target: DatabaseTarget): Promise<Session> {
    const session = new Session(clientOf(target), target);
    try {
      await session.client.connect();
    } catch (error) {
      throw explain(error, session.#where);
    }
    return session;
  }

  isLost(): boolean {
    return this.#isLost;
  }

  /** @throws what `explain` makes of the server's errors. */
  async executeQuery<Row>({ sql, parameters }: CompiledQuery): Promise<QueryResult<Row>> {
    const values = parameters.map(toParameter);
    try {
      return toResult(
        this.#isInTransaction ? await this.client.query(sql, values) : await this.#alone(sql, values),
      );
    } catch (error) {
      const explained = explain(error, this.#where);
      if (this.#isInTransaction) this.#refused ??= explained;
      throw explained;
    }
  }

  /** The first error since this was last asked: from then on the server takes no statement of the transaction or savepoint. */
  takeRefusal(): unknown {
    const refused = this.#refused;
    this.#refused = null;
    return refused;
  }

  /** A statement by itself has the schema's name from a transaction of its own; all three go in one packet. */
  async #alone(sql: string, values: unknown[]): Promise<Answer> {
    const wasSent = !this.#isLost;
    // Waits for all, so that the next statement finds the session free.
    const [begun, done, committed] = await Promise.allSettled([
      this.client.query(`begin; ${this.#local}`),
      this.client.query(sql, values),
      this.client.query("commit"),
    ]);
    const failed = [begun, done, committed].find((each) => each.status === "rejected");
    if (failed === undefined && done.status === "fulfilled") return done.value;
    const { reason } = failed ?? {};
    const isRefused = [begun, done].some(
      (each) => each.status === "rejected" && sqlState(each.reason) !== "",
    );
    const isOpen = committed.status === "rejected" && isAway(committed.reason) && !isRefused;
    throw wasSent && isOpen && !READS.test(sql) ? unanswered(reason, this.#where) : reason;
  }

  /** Begins a transaction with statements that belong to its beginning, and gives what the last of them gave. */
  async begin(mode: string, ...statements: string[]): Promise<Answer> {
    const text = [`begin ${mode}`, this.#local, ...statements].join("; ");
    try {
      const answers = (await this.client.query(text)) as Answer | Answer[];
      this.#isInTransaction = true;
      return [answers].flat().at(-1) as Answer;
    } catch (error) {
      // What failed after `begin` left a transaction behind, which would refuse the next one.
      await (isAway(error) ? this.close() : this.rollback());
      throw error;
    }
  }

  async commit(): Promise<void> {
    this.#isInTransaction = false;
    const { command } = await this.client.query("commit");
    // What had failed in it was rolled back, and the server says so by the name of what it did.
    if (command !== "COMMIT") throw new Error("the transaction was rolled back when it was to be committed");
  }

  /**
   * Sends what gives nothing and fails only where the transaction or the connection is gone, which the statement behind it says as
   * well: nothing waits for its answer by itself.
   */
  send(sql: string): void {
    void Promise.allSettled([this.client.query(sql)]);
  }

  async rollback(): Promise<void> {
    this.#isInTransaction = false;
    if (!this.#isLost) await this.client.query("rollback");
  }

  // Kysely asks for it; nothing of afk's reads that way.
  // biome-ignore lint/correctness/useYield: it never gives anything
  async *streamQuery<Row>(): AsyncIterableIterator<QueryResult<Row>> {
    throw new Error("nothing is streamed");
  }

  /** With the commit of the transaction: whoever listens looks at once. */
  async hint(): Promise<void> {
    await this.client.query("select pg_notify($1, '')", [this.#schema]);
  }

  /**
   * Calls `listener` at each hint. They may get lost: behind a pooler the next transaction may have another connection, and some
   * engines have none.
   */
  listen(listener: () => void): void {
    this.client.on("notification", ({ channel }) => {
      if (channel === this.#schema) listener();
    });
    // Where it cannot be had, looks alone find what is new, as they do anyway.
    void Promise.allSettled([this.client.query(`listen ${quoted(this.#schema)}`)]);
  }

  /** Takes back what was written; a session that cannot do that is of no use to the next one. */
  async undo(): Promise<void> {
    const [{ status }] = await Promise.allSettled([this.rollback()]);
    if (status === "rejected") await this.drop();
  }

  /** Ends one that is broken, or maybe is: how that goes says nothing. */
  async drop(): Promise<void> {
    await Promise.allSettled([this.close()]);
  }

  async close(): Promise<void> {
    this.#isLost = true;
    const cancel = after(CLOSE_MS, () => this.destroy());
    await this.client.end();
    cancel();
  }

  /** Ends it here, whatever the other end does: all that waits for an answer fails. */
  destroy(): void {
    this.#isLost = true;
    this.client.connection.stream.destroy();
  }
}

/** @throws StoreRefused: it reads the files that the URL names, and one that is missing is not a database that is away. */
function clientOf(target: DatabaseTarget): Client {
  try {
    return new Client({
      connectionString: target.url,
      types: TYPES,
      pipeline: true,
      application_name: "afk",
      connectionTimeoutMillis: CONNECT_MS,
      keepAlive: true,
      keepAliveInitialDelayMillis: CONNECT_MS,
      query_timeout: STATEMENT_MS + CONNECT_MS,
    });
  } catch (cause) {
    const message = `${describe(target)} cannot be asked as its URL says (${messageOf(cause)}): look at sslrootcert, sslcert and sslkey in it`;
    throw new StoreRefused("store_unwritable", message, { cause });
  }
}

export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function localSettings(schema: string): string {
  return [
    `set local search_path to ${quoted(schema)}`,
    `set local lock_timeout to ${LOCK_MS}`,
    `set local statement_timeout to ${STATEMENT_MS}`,
    `set local idle_in_transaction_session_timeout to ${IDLE_IN_TRANSACTION_MS}`,
  ].join("; ");
}

function toResult<Row>({ rows, rowCount, command }: Answer): QueryResult<Row> {
  const isChange =
    command === "INSERT" || command === "UPDATE" || command === "DELETE" || command === "MERGE";
  return { rows: rows as Row[], ...(isChange && { numAffectedRows: BigInt(rowCount ?? 0) }) };
}
