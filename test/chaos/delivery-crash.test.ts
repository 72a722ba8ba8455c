// @module-tag slow
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import Database from "better-sqlite3";
import { parseFeed } from "feedsmith";
import { expect, it } from "vitest";
import { receiver } from "../alerts/receiver.ts";
import { deployment, fillInbox } from "../support/afk.ts";
import { patience, report } from "../support/chaos.ts";

const PRELOAD = fileURLToPath(new URL("./support/crash-preload.ts", import.meta.url));
const ITEMS = 2;
/** Processes at a time: what this machine has cores. */
const LANES = 2;

it(
  "loses no delivery, and repeats one message at most, killed before and after every durable step from the result on",
  async () => {
    const plain = await prepare();
    expect((await plain.tick("")).code).toBe(0);
    const steps = plain.steps();
    const from = steps.findIndex((step) => step.includes("results"));
    expect(steps[from]).toContain("deliveries");
    expect(steps[from]).toContain("jobs");
    await plain.check(0);
    const points = steps
      .map((step, index) => ({ step, number: index + 1 }))
      .slice(from)
      .flatMap((point) => ["before", "after"].map((side) => ({ ...point, side })));
    let done = 0;
    const queue = points.values();
    const lane = async () => {
      for (const { step, number, side } of queue) {
        const trial = await prepare();
        const { signal } = await trial.tick(`${number}:${side}`);
        await trial.mend();
        await trial.check(signal === "SIGKILL" ? 1 : 0, `${side} ${number} (${step})`);
        done += 1;
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    report("delivery crash points", done, `${steps.length - from} durable steps, each before and after`);
    expect(done).toBeGreaterThan(20);
  },
  patience({ test: 600_000, chaos: 900_000 }),
);

async function prepare() {
  const hook = await receiver();
  // Several messages: what was taken is not sent again.
  const chat = await receiver(() => ({ body: '{"ok":true}' }));
  const target = deployment({
    agent: "test-agent",
    budget: { daily_cap_usd: 0.1 },
    models: { chain: ["extractive"] },
    jobs: [
      {
        name: "digest",
        kind: "digest",
        every: "1d",
        sources: [{ folder: "./inbox" }],
        deliver: [
          { to: "webhook", url: hook.url },
          { to: "telegram", url: `${chat.url}/bot1:a`, chat_id: 7 },
          { to: "feed" },
          { to: "file", path: "./copies/" },
        ],
      },
    ],
  });
  fillInbox(target, ITEMS);
  const log = join(target.dir, "steps.log");
  const database = join(target.state, "afk.db");
  const tick = (point: string) => {
    target.write("steps.log", "");
    return target.afk(["tick"], { NODE_OPTIONS: `--import=${PRELOAD}`, CRASH_LOG: log, CRASH_AT: point });
  };
  return {
    tick,
    steps: () => readFileSync(log, "utf8").trim().split("\n"),
    /** The tick that comes after, when the wait of what was broken off is over. */
    async mend() {
      const db = new Database(database);
      db.prepare("update deliveries set next_at = 0 where state = 'pending'").run();
      db.close();
      expect((await target.afk(["tick"])).code).toBe(0);
    },
    async check(crashes: number, where = "") {
      const rows = target.query("select receiver, state from deliveries order by receiver");
      expect(rows, where).toEqual(
        ["feed", "file", "telegram", "webhook"].map((to) => ({ receiver: to, state: "delivered" })),
      );
      expect(target.query("select state from jobs"), where).toEqual([{ state: "done" }]);
      // Once, or twice under one key where the crash came between the yes and its record.
      const keys = hook.received.map(({ headers }) => String(headers["idempotency-key"]));
      expect(new Set(keys).size, where).toBe(1);
      expect(keys.length + chat.received.length, where).toBeLessThanOrEqual(2 + crashes * 2);
      expect(keys.length, where).toBeLessThanOrEqual(1 + crashes);
      expect(chat.received.length, where).toBeLessThanOrEqual(1 + crashes);
      const feed = parseFeed(target.outputs()["feed.xml"] ?? "");
      expect((feed.feed as { entries: unknown[] }).entries, where).toHaveLength(1);
      const [name = ""] = Object.keys(target.outputs()).filter((each) => each.endsWith(".md"));
      expect(existsSync(join(target.dir, "copies", name)), where).toBe(true);
    },
  };
}
