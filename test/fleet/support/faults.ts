import type { CompiledQuery, QueryResult } from "kysely";
import { GATE } from "../../../src/store/postgres/gate.ts";
import { Session } from "../../../src/store/postgres/session.ts";

/** As if a cap over all agents had no lock: each goes by what it sees. Gives what takes the fault out again. */
export function plantNoFleetLock(): () => void {
  return plantInPlaceOf("update afk_fleet.gate", "select $1::bigint as latest_at");
}

/** Has `sql` run in the place of each statement that begins so, with the same values. */
function plantInPlaceOf(beginning: string, sql: string): () => void {
  const { executeQuery } = Session.prototype;
  function planted<Row>(this: Session, query: CompiledQuery): Promise<QueryResult<Row>> {
    const isMeant = query.sql.startsWith(beginning);
    return executeQuery.call(this, isMeant ? { ...query, sql } : query) as Promise<QueryResult<Row>>;
  }
  Session.prototype.executeQuery = planted;
  return () => {
    Session.prototype.executeQuery = executeQuery;
  };
}

/** What sections would begin with if somebody had taken a guarantee away; each attack is shown to find its own. */
export type Fault = "no_lock" | "windows_first" | "time_of_begin";

/** Plants it in this whole process, which is not to be used for anything else. Gives what takes it out again. */
export function plant(fault: Fault): () => void {
  const { begin } = Session.prototype;
  // The row of the budget's clock, which each reservation writes before it looks at what is spent, is as good as a lock.
  const uproot =
    fault === "no_lock"
      ? plantInPlaceOf('update "budget_clock"', "select $1::bigint, $2::bigint")
      : () => undefined;
  Session.prototype.begin = function (mode, ...statements) {
    const isSection = statements[0] === GATE[0] && statements.at(-1) === GATE.at(-1);
    return begin.call(this, mode, ...(isSection ? FAULTS[fault](statements) : statements));
  };
  return () => {
    Session.prototype.begin = begin;
    uproot();
  };
}

const CLOCK = "clock_timestamp()";
const PASS = /^update gate set .*?\s(from .* where gate\.id = 1)\s+returning (.*)$/s;

const FAULTS: Record<Fault, (gate: string[]) => string[]> = {
  /** Looks at the gate, and takes no lock of it. */
  no_lock: (gate) => {
    const [, from = "", columns = ""] = PASS.exec(gate.at(-1) ?? "") ?? [];
    const seen = columns
      .replace("generation", "gate.generation + 1 as generation")
      .replace("gate.latest_at", "clock.at as latest_at");
    return [...gate.slice(1, -1), `select ${seen} ${from.replace("from", "from gate,")}`];
  },
  /** Locks what comes after the gate before it. */
  windows_first: (gate) => ["select 1 from budget_windows for update", ...gate],
  time_of_begin: (gate) => gate.map((statement) => statement.replaceAll(CLOCK, "now()")),
};
