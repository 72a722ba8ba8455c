// @module-tag processes
import { describe, expect, it } from "vitest";
import { withBase } from "../../config/support.ts";
import { deployment, PROCESSES } from "../../support/afk.ts";
import { postgresProblem } from "../../support/postgres/binaries.ts";
import { freshState, postgresStore } from "../../support/postgres/state.ts";

const problem = postgresProblem();
const skipped = problem === null ? "" : ` -- skipped: ${problem}`;

describe.skipIf(problem !== null)(
  `a job that one machine has and another not yet${skipped}`,
  PROCESSES,
  () => {
    it("waits where it is not known, and is done where it is", async () => {
      const database = await freshState();
      const { db } = await postgresStore(database);
      const file = { agent: "test", database };
      const job = { name: "new", kind: "exec", command: ["true"], network: "open" };
      const [newer, older] = [
        deployment(withBase({ ...file, jobs: [job] })),
        deployment(withBase({ ...file, jobs: [] })),
      ];
      const state = async () =>
        await db.selectFrom("jobs").select(["state", "attempts", "error"]).executeTakeFirstOrThrow();
      await newer.afk(["enqueue", "new"]);
      await older.afk(["tick"]);
      expect(await state()).toMatchObject({ state: "ready", attempts: 0 });
      expect((await state()).error).toContain("no job named new");
      await db.updateTable("jobs").set({ run_at: 0 }).execute();
      expect(await newer.afk(["tick"])).toMatchObject({ code: 0 });
      expect(await state()).toMatchObject({ state: "done", attempts: 1 });
    });
  },
);
