// @module-tag processes
// @module-tag slow
import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../../src/lib/clock.ts";
import { HOUR_MS, MINUTE_MS } from "../../../src/lib/durations.ts";
import { resume } from "../../../src/rails/resume.ts";
import { markPath } from "../../../src/store/postgres/mark.ts";
import { openPostgresStore } from "../../../src/store/postgres/open.ts";
import { postgresProblem } from "../../support/postgres/binaries.ts";
import { freshDatabase } from "../../support/postgres/shared.ts";
import { railsOn } from "../../support/rails-on.ts";
import { tempDir } from "../../support/temp.ts";

const problem = postgresProblem();
const skipped = problem === null ? "" : ` -- skipped: ${problem}`;

async function machine(url: string, state = tempDir()) {
  const store = await openPostgresStore({ url, schema: "afk_test" }, { state });
  onTestFinished(() => store.close());
  const look = async () => {
    await store.atomically(async () => undefined);
    return store.clockOver(systemClock).nowMs() - Date.now();
  };
  return { ...railsOn(store, state, {}), store, state, look };
}

const NEAR_MS = MINUTE_MS;

describe.skipIf(problem !== null)(`the clock of the database${skipped}`, () => {
  test("that jumps ahead is not followed in any machine until a person takes it for right", async () => {
    const url = await freshDatabase();
    const one = await machine(url);
    expect(Math.abs(await one.look())).toBeLessThan(NEAR_MS);
    // As if its last section had been an hour ago by the database, and a moment ago by its own uptime.
    const path = markPath(one.state);
    const mark = JSON.parse(readFileSync(path, "utf8"));
    writeFileSync(path, `${JSON.stringify({ ...mark, at: mark.at - HOUR_MS }).padEnd(511)}\n`);
    await one.store.db
      .updateTable("gate")
      .set({ latest_at: mark.at - HOUR_MS })
      .execute();
    const again = await machine(url, one.state);
    expect(Math.abs((await again.look()) + HOUR_MS)).toBeLessThan(NEAR_MS);
    const other = await machine(url);
    expect(Math.abs((await other.look()) + HOUR_MS)).toBeLessThan(NEAR_MS);
    const events = await other.store.db.selectFrom("database_events").select(["event", "reason"]).execute();
    expect(events).toMatchObject([
      { event: "clock_jump", reason: expect.stringMatching(/60 minutes ahead/) },
    ]);
    await resume(other, { isBackToo: false });
    for (const each of [other, again, await machine(url)]) {
      expect(Math.abs(await each.look())).toBeLessThan(NEAR_MS);
      expect(Math.abs(await each.look())).toBeLessThan(NEAR_MS);
    }
    expect(await other.store.db.selectFrom("database_events").select("event").execute()).toHaveLength(1);
  });

  test("is not followed by a process either that has begun no section yet, whatever its machine's says", async () => {
    const url = await freshDatabase();
    const one = await machine(url);
    await one.look();
    await one.store.db.updateTable("gate").set({ shift_ms: HOUR_MS }).execute();
    const { store } = await machine(url);
    expect(Math.abs(store.clockOver(systemClock).nowMs() - Date.now() - HOUR_MS)).toBeLessThan(NEAR_MS);
  });

  test("that jumps back lets time go on, and goes back only where a person says so", async () => {
    const url = await freshDatabase();
    const one = await machine(url);
    await one.look();
    await one.store.db
      .updateTable("gate")
      .set((eb) => ({ latest_at: eb("latest_at", "+", HOUR_MS) }))
      .execute();
    const other = await machine(url);
    expect(Math.abs((await other.look()) - HOUR_MS)).toBeLessThan(NEAR_MS);
    await resume(other, { isBackToo: false });
    expect(Math.abs((await other.look()) - HOUR_MS)).toBeLessThan(NEAR_MS);
    await resume(other, { isBackToo: true });
    for (const each of [other, one, await machine(url)])
      expect(Math.abs(await each.look())).toBeLessThan(NEAR_MS);
  });
});
