import { expect, it } from "vitest";
import type { RecordedAnswer } from "../../src/gateway/caller.ts";
import { createRecordedAnswers } from "../../src/gateway/recorded-answers.ts";
import { claim } from "../../src/queue/claim.ts";
import { complete } from "../../src/queue/complete.ts";
import { enqueue } from "../../src/queue/enqueue.ts";
import { newJob } from "../queue/new-job.ts";
import { type TestStore, testStore } from "../support/store.ts";

const answer = (body: string): RecordedAnswer => ({
  status: 200,
  contentType: "application/json",
  body,
  entry: `entry of ${body.slice(0, 20)}`,
});

/** A store with a job that runs, and attempts at it. */
async function running(key = "job-1") {
  const store = await testStore();
  await store.atomically((trx) => enqueue(trx, newJob(key), 1_000));
  const job = (await store.atomically((trx) => claim(trx, "runner", 1_000)))!;
  return { store, job, attempt: () => attemptAt(store, key) };
}

function attemptAt(store: TestStore, key: string) {
  const recorded = createRecordedAnswers(store.db, key, { nowMs: () => 2_000 });
  return {
    ...recorded,
    keep: (hash: string, body: string) => store.atomically((trx) => recorded.keep(trx, hash, answer(body))),
    /** What a request does: the recorded answer, or one that is bought and kept. */
    async ask(hash: string, bought: string): Promise<string> {
      const found = await recorded.next(hash);
      if (found !== null) return `replayed ${found.body}`;
      await this.keep(hash, bought);
      return bought;
    },
  };
}

it("gives the n-th identical request of a new attempt the n-th answer, in whatever order the requests come", async () => {
  const { attempt } = await running();
  const first = attempt();
  const script = [
    ["a", "a1"],
    ["b", "b1"],
    ["a", "a2"],
    ["c", "c1"],
  ] as const;
  for (const [hash, body] of script) expect(await first.ask(hash, body)).toBe(body);

  const second = attempt();
  for (const [hash, body] of [...script].sort(([a], [b]) => b.localeCompare(a)))
    expect(await second.ask(hash, "bought again")).toBe(`replayed ${body}`);
  expect(await second.ask("a", "a3")).toBe("a3");

  const third = attempt();
  const got = [];
  for (let n = 0; n < 4; n++) got.push(await third.ask("a", "a4"));
  expect(got).toEqual(["replayed a1", "replayed a2", "replayed a3", "a4"]);
});

it("gives no answer to the attempt that bought it, although that asks the same again", async () => {
  const { attempt } = await running();
  const only = attempt();
  expect(await only.ask("a", "a1")).toBe("a1");
  expect(await only.ask("a", "a2")).toBe("a2");
});

it("gives each answer once to requests that come at the same moment", async () => {
  const { attempt } = await running();
  const first = attempt();
  for (const body of ["a1", "a2", "a3"]) await first.ask("a", body);
  const second = attempt();
  const found = await Promise.all(Array.from({ length: 5 }, () => second.next("a")));
  expect(found.map((each) => each?.body)).toEqual(["a1", "a2", "a3", undefined, undefined]);
});

it("gives an answer back whole, with its status, type and entry", async () => {
  const { store, attempt } = await running();
  const body = 'data: {"text":"grüße \u{1f600} \\u0000"}\r\n\r\n: \u0000 end\n\n';
  const whole = { status: 201, contentType: "text/event-stream; charset=utf-8", body, entry: "e1" };
  const recorded = createRecordedAnswers(store.db, "job-1", { nowMs: () => 1 });
  await store.atomically((trx) => recorded.keep(trx, "a", whole));
  expect(await attempt().next("a")).toEqual(whole);
});

it("keeps what is settled alone: a transaction that is undone leaves no answer", async () => {
  const { store, attempt } = await running();
  const recorded = createRecordedAnswers(store.db, "job-1", { nowMs: () => 1 });
  const undone = store.atomically(async (trx) => {
    await recorded.keep(trx, "a", answer("a1"));
    throw new Error("the settlement failed");
  });
  await expect(undone).rejects.toThrow("the settlement failed");
  expect(await attempt().next("a")).toBeNull();
});

it("is of one job: another run's answers are not found", async () => {
  const { store, attempt } = await running();
  await attempt().ask("a", "a1");
  await store.atomically((trx) => enqueue(trx, newJob("job-2"), 1_000));
  expect(await attemptAt(store, "job-2").next("a")).toBeNull();
});

it("drops one answer above 4 MiB and keeps one of 4 MiB", async () => {
  const { attempt } = await running();
  const size = 4 * 1024 * 1024;
  // Two bytes a character: it is bytes that are counted.
  await attempt().keep("large", "ü".repeat(size / 2));
  await attempt().keep("larger", `${"ü".repeat(size / 2)}x`);
  expect((await attempt().next("large"))?.body).toHaveLength(size / 2);
  expect(await attempt().next("larger")).toBeNull();
});

it("keeps 64 MiB of a run over all its attempts, and what still fits behind an answer that did not", async () => {
  const { store, attempt } = await running();
  const mebibyte = "x".repeat(1024 * 1024);
  const first = attempt();
  for (let n = 0; n < 63; n++) await first.keep("a", mebibyte);
  const second = attempt();
  await second.keep("b", `${mebibyte}x`);
  await second.keep("b", mebibyte);
  await second.keep("b", "x");
  const kept = await store.db.selectFrom("answers").select("request_hash").execute();
  expect(kept.map(({ request_hash }) => request_hash)).toEqual([...Array(63).fill("a"), "b"]);
});

it("keeps 2,000 answers of a run", async () => {
  const { store, attempt } = await running();
  const first = attempt();
  await store.atomically(async (trx) => {
    const recorded = createRecordedAnswers(store.db, "job-1", { nowMs: () => 1 });
    for (let n = 0; n < 2_005; n++) await recorded.keep(trx, `hash-${n}`, answer("x"));
  });
  expect(await first.next("hash-1999")).not.toBeNull();
  expect(await first.next("hash-2000")).toBeNull();
  await attempt().keep("one more", "x");
  expect(await attempt().next("one more")).toBeNull();
});

it("keeps no text that would not come back as it was", async () => {
  const { attempt } = await running();
  await attempt().keep("a", "half a character: \ud83d");
  expect(await attempt().next("a")).toBeNull();
});

it("keeps nothing for a job that is over", async () => {
  const { store, job, attempt } = await running();
  const late = attempt();
  await store.atomically((trx) => complete(trx, job, 1, 3_000));
  await late.keep("a", "a1");
  expect(await store.db.selectFrom("answers").selectAll().execute()).toEqual([]);
});
