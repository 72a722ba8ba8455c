import { expect, test } from "vitest";
import { partOf, testSite, textOf } from "./site.ts";

test("who knows the page is told when something was written or time has passed, and not before", async () => {
  const site = await testSite({ isCalm: true });
  await site.ask("/");
  const etag = async () => String((await site.ask("/")).headers.etag);
  const known = await etag();
  const again = await site.ask("/", { headers: { "if-none-match": known } });
  expect(again).toMatchObject({ status: 304, body: "" });
  const now = site.clock.nowMs();
  const row = { reason: null, by_hand: 0, next_due_at: now + 60_000, version: "1" };
  await site.store.atomically((trx) =>
    trx
      .insertInto("ticks")
      .values({
        ...row,
        id: "02new",
        started_at: now,
        finished_at: now,
        outcome: "ok",
        units: 7,
        cost_micros: 5,
      })
      .execute(),
  );
  const changed = await site.ask("/", { headers: { "if-none-match": known } });
  expect(textOf(partOf(changed.body, "ticks"))).toContain("10:30 ok 7 0 ms $0.000005");
  const newer = await etag();
  site.clock.advance(30_000);
  expect((await site.ask("/", { headers: { "if-none-match": newer } })).status).toBe(200);
});
