import { get, type IncomingMessage } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import { partOf, type TestSite, testSite, textOf } from "./site.ts";

function listen(site: TestSite): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = get(`${site.url}events`, { agent: false }, resolve).once("error", reject);
    onTestFinished(() => void request.destroy());
  });
}

/** Resolves when an event of this name has come. */
function event(stream: IncomingMessage, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = "";
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
      if (text.includes(`event: ${name}\ndata:`)) resolve();
    });
    stream.once("error", reject).once("close", () => reject(new Error(`no ${name}, but ${text}`)));
  });
}

test("who listens is told when something was written, and the page then shows it", async () => {
  const site = await testSite({ isCalm: true });
  await site.ask("/");
  const stream = await listen(site);
  expect(stream.headers["content-type"]).toBe("text/event-stream; charset=utf-8");
  const changed = event(stream, "change");
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
  await changed;
  expect(textOf(partOf((await site.ask("/")).body, "ticks"))).toContain("10:30 ok 7 0 ms $0.000005");
});

test("so many may listen and no more, and a place that was left is free again", async () => {
  const site = await testSite({ isEmpty: true });
  const streams = await Promise.all(Array.from({ length: 16 }, () => listen(site)));
  expect(streams.map((stream) => stream.statusCode)).toEqual(Array(16).fill(200));
  const surplus = await site.ask("/events");
  expect(surplus.status).toBe(503);
  expect(surplus.headers["retry-after"]).toBe("15");
  expect((await site.ask("/")).status).toBe(200);
  streams[0]!.destroy();
  await expect.poll(async () => (await listen(site)).statusCode, { timeout: 30_000 }).toBe(200);
});
