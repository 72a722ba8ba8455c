// @module-tag processes
import type { CompiledQuery, QueryResult } from "kysely";
import { describe, expect, onTestFinished, test } from "vitest";
import { CallFailed } from "../../../src/rails/call.ts";
import { guard } from "../../../src/rails/guard.ts";
import { Session } from "../../../src/store/postgres/session.ts";
import { postgresProblem } from "../../support/postgres/binaries.ts";
import { postgresStore } from "../../support/postgres/state.ts";
import { guardedCall, thrown } from "../../support/rails.ts";
import { railsOn } from "../../support/rails-on.ts";
import { tempDir } from "../../support/temp.ts";

const problem = postgresProblem();
const skipped = problem === null ? "" : ` -- skipped: ${problem}`;

/** What a model answers with an error that holds U+0000, and what then stands in the ledger. */
async function answered(): Promise<{ error: unknown; states: { state: string; error: string | null }[] }> {
  const rails = railsOn(await postgresStore(), tempDir());
  const perform = () =>
    Promise.reject(new CallFailed("no\0answer \u{1F41A}", { charge: "unknown", trip: "none" }));
  const error = await thrown(guard(rails, guardedCall(rails, { perform })));
  return { error, states: await rails.store.db.selectFrom("ledger").select(["state", "error"]).execute() };
}

describe.skipIf(problem !== null)(`a text with U+0000, which PostgreSQL keeps in none${skipped}`, () => {
  test("is kept with U+FFFD in its place, and keeps nobody from writing down how a call ended", async () => {
    const { error, states } = await answered();
    expect(error).toBeInstanceOf(CallFailed);
    expect(states).toEqual([{ state: "unknown", error: "no\uFFFDanswer \u{1F41A}" }]);
  });

  test("would leave the call open, were it sent as it is", async () => {
    const { executeQuery } = Session.prototype;
    async function asItIs<Row>(this: Session, { sql, parameters }: CompiledQuery): Promise<QueryResult<Row>> {
      if (!parameters.some((value) => typeof value === "string" && value.includes("\0")))
        return (await executeQuery.call(this, { sql, parameters } as CompiledQuery)) as QueryResult<Row>;
      return (await this.client.query(sql, [...parameters])) as unknown as QueryResult<Row>;
    }
    Session.prototype.executeQuery = asItIs;
    onTestFinished(() => {
      Session.prototype.executeQuery = executeQuery;
    });
    const { states } = await answered();
    expect(states).toEqual([{ state: "sending", error: null }]);
  });
});
