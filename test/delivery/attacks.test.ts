// @module-tag slow
import { once } from "node:events";
import { existsSync, lstatSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { newId } from "../../src/lib/ids.ts";
import { retryDeadLetter } from "../../src/queue/dead-letters.ts";
import { PermanentFailure } from "../../src/queue/job.ts";
import { delivering, hook, newsOf } from "./harness.ts";

const MINUTE = 60_000;
const HOUR = 3_600_000;

type Made = Awaited<ReturnType<typeof delivering>>;

/** Copies of the one result that is there, with a delivery each where there is a row to copy. */
async function addResults({ agent }: Made, count: number, change: object, receiver?: string, waitMs = HOUR) {
  const { db } = agent.store;
  const result = await db.selectFrom("results").selectAll().executeTakeFirstOrThrow();
  const rows = await db.selectFrom("deliveries").selectAll().execute();
  const delivery = rows.find((row) => row.receiver === receiver);
  await agent.store.atomically(async (trx) => {
    for (let index = 1; index <= count; index++) {
      const copy = { job_id: newId(index), created_at: result.created_at + index, ...change };
      await trx
        .insertInto("results")
        .values({ ...result, ...copy })
        .execute();
      if (delivery !== undefined)
        await trx
          .insertInto("deliveries")
          .values({
            ...delivery,
            job_id: copy.job_id,
            key: `copy-${index}`,
            next_at: delivery.next_at + waitMs,
            created_at: index,
          })
          .execute();
    }
  });
}

describe("a receiver", () => {
  it("gets what is due, also behind more than a thousand results that wait for their time", async () => {
    const receiver = await hook((_request, count) => (count === 1 ? { status: 500 } : {}));
    const made = await delivering([receiver.entry]);
    await made.agent.tick();
    await addResults(made, 1_500, {}, "webhook");
    made.clock.advance(HOUR);
    await made.agent.tick();
    expect(await made.send()).toMatchObject({ pending: 1_500 });
    expect(receiver.received).toHaveLength(3);
  });

  it("that asks for two hours gets nothing else that waits for it in the meantime, and all of it then", async () => {
    const busy = { status: 429, headers: { "retry-after": "7200" } };
    const receiver = await hook((_request, count) => (count < 3 ? busy : {}));
    const made = await delivering([receiver.entry]);
    await made.agent.tick();
    await addResults(made, 3, {}, "webhook", -2 * HOUR);
    for (let times = 0; times < 3; times++) await made.send();
    expect(receiver.received).toHaveLength(2);
    made.clock.advance(2 * HOUR);
    expect(await made.send()).toMatchObject({ delivered: 4, pending: 0 });
  });

  it("that repeats a whole message in its yes, in escapes, has it", async () => {
    const said = "\\u0416".repeat(3_900);
    const receiver = await hook(() => ({ body: `{"ok":true,"result":{"message_id":1,"text":"${said}"}}` }));
    const made = await delivering([{ to: "telegram", url: `${receiver.url}/bot1:a`, chat_id: 7 }]);
    await made.agent.tick();
    expect(await made.states()).toEqual(["telegram delivered 1"]);
  });

  it("gets nothing twice when an entry before it was taken out, by whose name it goes then", async () => {
    const [gone, stays] = [await hook(() => ({ status: 500 })), await hook()];
    const made = await delivering([gone.entry, stays.entry]);
    await made.agent.tick();
    const agent = await made.reopen({ jobs: [{ name: "work", kind: "work", deliver: [stays.entry] }] });
    made.clock.advance(MINUTE);
    await agent.tick();
    expect(stays.received).toHaveLength(1);
    expect(await made.states()).toEqual(["webhook dead 1", "webhook-2 delivered 1"]);
  });

  it("of failures alone gets no result of an entry that was taken out", async () => {
    const [gone, stays] = [await hook(() => ({ status: 500 })), await hook()];
    const failures = { ...stays.entry, when: "failed" };
    const made = await delivering([gone.entry, failures]);
    await made.agent.tick();
    const agent = await made.reopen({ jobs: [{ name: "work", kind: "work", deliver: [failures] }] });
    made.clock.advance(MINUTE);
    await agent.tick();
    expect(stays.received).toEqual([]);
    expect(await made.states()).toEqual(["webhook dead 1"]);
  });

  it("that drops repeats drops no later word of how far a run is", async () => {
    const receiver = await hook();
    const made = await delivering([], {
      jobs: [{ name: "work", kind: "work", every: "1h", progress: "1s", deliver: [receiver.entry] }],
      run: async () => {
        while (receiver.received.length < 2) {
          await new Promise((resolve) => setTimeout(resolve, 20));
          made.clock.advance(20);
        }
        return newsOf();
      },
    });
    await made.agent.tick();
    expect(receiver.bodies().map(({ outcome }) => outcome)).toEqual(["progress", "progress", "done"]);
    expect(new Set(receiver.keys()).size).toBe(3);
    expect(receiver.keys()[2]).toBe("work@2026-11-21T10:00:00.000Z:webhook");
  });
});

it("a run that failed and was done when it was retried is not told of as failed behind that", async () => {
  const receiver = await hook((_request, count) => (count === 1 ? { status: 500 } : {}));
  const made = await delivering([{ ...receiver.entry, when: "always" }], {
    run: (_context, count) => {
      if (count === 1) throw new PermanentFailure("broken", "broken");
      return newsOf();
    },
  });
  const { agent, clock } = made;
  await agent.tick();
  expect(await made.states()).toEqual(["webhook pending 1"]);
  const dead = { name: "work", cause: "broken" };
  await agent.store.atomically((trx) => retryDeadLetter(trx, dead, null, clock.nowMs()));
  await agent.tick();
  clock.advance(MINUTE);
  await made.send();
  expect(receiver.bodies().map(({ outcome }) => outcome)).toEqual(["dead", "done"]);
  expect(await made.states()).toEqual(["webhook delivered 1"]);
});

describe("a copy", () => {
  it.each([
    ["afk.yaml", "is afk's own file"],
    ["./", "is afk's own file"],
    ["state/STOP", "is among afk's own files"],
    ["state/", "is among afk's own files"],
    ["state/out/new/", "is among afk's own files"],
    ["linked/afk.db", "linked: it is a link"],
    ["linked/", "linked: it is a link"],
    ["linked/out/", "is among afk's own files"],
    ["file/", "it is no folder"],
    ["socket", "is no file, and is not replaced"],
  ])("replaces nothing but files, and none of afk's own: %s", async (path, error) => {
    const run = (context: { publish(name: string, content: string): void }) => {
      // As the job itself says.
      context.publish("afk.yaml", "budget: none");
      return newsOf();
    };
    const made = await delivering([{ to: "file", path }], { run });
    const { dir, configFile, state } = made.target;
    symlinkSync(state, join(dir, "linked"));
    writeFileSync(join(dir, "file"), "");
    const socket = createServer().listen(join(dir, "socket"));
    onTestFinished(() => void socket.close());
    await once(socket, "listening");
    const config = readFileSync(configFile, "utf8");
    await made.agent.tick();
    expect((await made.rows())[0]?.error).toContain(error);
    expect(readFileSync(configFile, "utf8")).toBe(config);
    expect(existsSync(join(state, "STOP"))).toBe(false);
    expect(lstatSync(join(dir, "socket")).isSocket()).toBe(true);
  });

  it("may lie in a folder of its own in the state, where alone a container may write", async () => {
    const made = await delivering([{ to: "file", path: "state/copies/latest.txt" }]);
    await made.agent.tick();
    expect(existsSync(join(made.target.state, "copies/latest.txt"))).toBe(true);
  });

  it("replaces a link, and not what it leads to", async () => {
    const made = await delivering([{ to: "file", path: "latest.txt" }]);
    const { dir } = made.target;
    writeFileSync(join(dir, "other"), "kept");
    symlinkSync(join(dir, "other"), join(dir, "latest.txt"));
    await made.agent.tick();
    expect(readFileSync(join(dir, "other"), "utf8")).toBe("kept");
    expect(lstatSync(join(dir, "latest.txt")).isFile()).toBe(true);
  });
});

describe("afk.yaml", () => {
  it.each(["always", "new"])("names no address twice for the same results: %s", async (when) => {
    const receiver = await hook();
    const alerts = [{ type: "webhook", name: "phone", url: receiver.url }];
    const deliver = [{ to: "phone" }, { ...receiver.entry, when }];
    await expect(delivering([], { alerts, jobs: [{ name: "work", kind: "work", deliver }] })).rejects.toThrow(
      "webhook gets the same results twice, here and as phone; write one entry",
    );
  });

  it("may name an address once for results and once for failures", async () => {
    const receiver = await hook();
    const alerts = [{ type: "webhook", name: "phone", url: receiver.url }];
    const deliver = [{ to: "phone" }, { ...receiver.entry, when: "failed" }];
    const made = await delivering([], {
      alerts,
      jobs: [{ name: "work", kind: "work", every: "1h", deliver }],
    });
    await made.agent.tick();
    expect(receiver.received).toHaveLength(1);
  });

  it.each(["00:00-24:00", "0:00-24:00", "24:00-24:00", "07:00-07:00"])(
    "has no quiet hours that never end: %s",
    async (quiet_hours) => {
      await expect(delivering([{ to: "feed", quiet_hours }])).rejects.toThrow("22:00-07:00");
    },
  );
});

it("runs without news drive no news out of the feed", async () => {
  const receiver = await hook();
  const run = (_context: unknown, count: number) => newsOf(`Result ${count}`, count === 1);
  const made = await delivering([{ ...receiver.entry, when: "always" }, { to: "feed" }], { run });
  await made.agent.tick();
  await addResults(made, 150, { is_news: 0 });
  const { db } = made.agent.store;
  const anew = { state: "pending", attempts: 0 } as const;
  await db.updateTable("deliveries").where("receiver", "=", "feed").set(anew).execute();
  made.clock.advance(MINUTE);
  await made.agent.tick();
  expect(made.target.outputs()["feed.xml"]).toContain("Result 1");
});
