// @module-tag slow
import Database from "better-sqlite3";
import { describe, expect, it, onTestFinished } from "vitest";
import { watchDurableSteps } from "../../src/faults/durable-steps.ts";
import { countersAgree } from "../../src/ops/counters.ts";
import { recoverCalls } from "../../src/rails/recover.ts";
import { entriesOf, testGateway, turn } from "../gateway/gateway-on.ts";
import { patience, report } from "../support/chaos.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { besides } from "../support/rails.ts";
import { railsOn } from "../support/rails-on.ts";
import { workInMemory } from "./support/in-memory.ts";

/** What a disk that is full or read-only says of a write. One that breaks is disk.test.ts's: nothing is written behind that. */
const FAULTS = ["SQLITE_FULL", "SQLITE_READONLY"] as const;
const BILLED = { input: 1, output: 4, cacheRead: 1, cacheWrite: 1.25 };
/** A call makes fewer writes than this, from its admission to its settlement. */
const WRITES_MAX = 40;

let writes = Number.NEGATIVE_INFINITY;
let failing: { from: number; to: number; code: string } | null = null;
watchDurableSteps({
  durable: (_label, work) => work(),
  write() {
    writes += 1;
    if (failing !== null && writes >= failing.from && writes <= failing.to)
      throw new Database.SqliteError("the disk failed", failing.code);
  },
});

workInMemory();

describe.each(FAULTS)("%s", (code) => {
  it.each([
    ["once", false],
    ["once", true],
    ["from then on", false],
    ["from then on", true],
  ] as const)(
    "at each write of a call, %s (streamed: %s): nothing is sent before the books, nothing given back behind the bill",
    async (how, stream) => {
      let before = 0;
      let behind = 0;
      for (let from = 1; from <= WRITES_MAX; from += 1) {
        const { rails, url, servers } = await testGateway({ servers: ["openai"] });
        const books = await besides(rails);
        onTestFinished(() => {
          failing = null;
        });
        writes = 0;
        failing = { from, to: how === "once" ? from : Number.POSITIVE_INFINITY, code };
        const reply = await turn(url, "chat", { stream });
        const text = await reply.text();
        // The settlement follows the last byte down.
        await new Promise((resolve) => setTimeout(resolve, 30));
        const isMet = writes >= from;
        failing = null;
        const bill = servers.openai.billMicros(BILLED);
        const rows = await entriesOf(books);
        if (servers.openai.requests.length === 0) {
          before += 1;
          expect(reply.status, text).toBe(503);
          expect(rows.filter(({ state }) => state !== "released")).toEqual([]);
        } else {
          expect(rows).toHaveLength(1);
          expect(rows[0]?.state).not.toBe("released");
          expect(rows[0]?.cost_micros ?? rows[0]?.estimate_micros).toBeGreaterThanOrEqual(bill);
          if (isMet) behind += 1;
        }
        expect(await countersAgree(books.store.db)).toEqual([]);
        // Once the deadline has passed the call is over, and still charged.
        const later = railsOn(books.store, rails.dir, { clock: fakeClock(rails.clock.nowMs() + 600_000) });
        await recoverCalls(later, "tick");
        const [entry] = await entriesOf(books);
        if (bill > 0) expect(["settled", "unknown"]).toContain(entry?.state);
        expect(await countersAgree(books.store.db)).toEqual([]);
        if (!isMet) break;
      }
      // One failure may be met by room that was kept for it.
      if (how !== "once") expect(before).toBeGreaterThan(0);
      expect(behind).toBeGreaterThan(0);
      report(
        "writes of a call that fail",
        before + behind,
        `${before} before the request, ${behind} behind it`,
      );
    },
    patience({ test: 180_000, chaos: 60_000 }),
  );
});
