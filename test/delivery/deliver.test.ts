// @module-tag slow
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseFeed } from "feedsmith";
import { describe, expect, it } from "vitest";
import { nextDeliveryAt } from "../../src/delivery/counts.ts";
import { PermanentFailure } from "../../src/queue/job.ts";
import { smtpServer } from "../support/smtp-server.ts";
import { tempDir } from "../support/temp.ts";
import { delivering, hook, newsOf, only } from "./harness.ts";
import { sampleItem } from "./sample.ts";

const MINUTE = 60_000;
const HOUR = 3_600_000;

describe("the result of a run", () => {
  it("is committed with the run's end, and sent once to each receiver that wants it", async () => {
    const [one, two] = [await hook(), await hook()];
    const failed = { ...two.entry, when: "failed" };
    const { agent, rows, states, send, logged } = await delivering([one.entry, two.entry, failed]);
    await agent.tick();
    const key = "work@2026-11-21T10:00:00.000Z";
    expect((await rows()).map((row) => row.key)).toEqual([`${key}:webhook`, `${key}:webhook-2`]);
    expect(await states()).toEqual(["webhook delivered 1", "webhook-2 delivered 1"]);
    expect(one.bodies()).toMatchObject([
      { event: "result", job: "work", title: "Two things", key: `${key}:webhook` },
    ]);
    expect(await send()).toEqual({ delivered: 0, failed: 0, pending: 0 });
    await agent.tick();
    expect([one.received.length, two.received.length]).toEqual([1, 1]);
    expect(logged("delivered")).toMatchObject([
      { name: "work", receiver: "webhook" },
      { receiver: "webhook-2" },
    ]);
  });

  it("is not sent where it holds nothing new, unless a receiver wants them all", async () => {
    const [one, all] = [await hook(), await hook()];
    const run = () => newsOf("nothing", false);
    const { agent } = await delivering([one.entry, { ...all.entry, when: "always" }], { run });
    await agent.tick();
    expect([one.received.length, all.received.length]).toEqual([0, 1]);
    expect(all.bodies()).toMatchObject([{ isNews: false, title: "nothing" }]);
  });

  it("that failed for good is told to who asks for failures, or for all", async () => {
    const [fresh, failed, all] = [await hook(), await hook(), await hook()];
    const deliver = [fresh.entry, { ...failed.entry, when: "failed" }, { ...all.entry, when: "always" }];
    const run = () => {
      throw new PermanentFailure(
        "broken",
        'Traceback (most recent call last):\n  File "x.py", line 1\nValueError: the last line',
      );
    };
    const { agent, rows } = await delivering(deliver, { run });
    await agent.tick();
    expect(fresh.received).toEqual([]);
    expect(failed.bodies()).toMatchObject([
      {
        outcome: "dead",
        title: "failed for good (Saturday 21 November 10:00)",
        text: "ValueError: the last line\n\nIt waits for you: afk dead show work",
      },
    ]);
    expect(all.received).toHaveLength(1);
    expect((await rows()).map(({ key }) => key)).toEqual([
      "work@2026-11-21T10:00:00.000Z:webhook-2:dead",
      "work@2026-11-21T10:00:00.000Z:webhook-3:dead",
    ]);
  });

  it("that is no report makes the job a dead letter that says so", async () => {
    const run = () => ({ units: 1, summary: "x", report: { text: "no title" } as never });
    const { agent, target } = await delivering([{ to: "feed" }], { run });
    await agent.tick();
    expect(target.query("select cause from dead_letters")).toEqual([{ cause: "bad_report" }]);
  });

  it("names the run's files, also where the kind hands in no report", async () => {
    const receiver = await hook();
    const { agent } = await delivering([receiver.entry], {
      run: (context) => {
        context.publish("work-x.md", "# x\n");
        return { units: 0, summary: "wrote a file" };
      },
    });
    await agent.tick();
    expect(receiver.bodies()).toMatchObject([{ text: "wrote a file", files: ["work-x.md"], isNews: true }]);
  });
});

describe("a receiver that does not take it", () => {
  it("keeps no other waiting, however much waits for it", async () => {
    const [down, up] = [await hook(() => ({ status: 500 })), await hook()];
    const { agent, clock, rows } = await delivering([down.entry, up.entry]);
    await agent.tick();
    const waiting = only((await rows()).filter(({ state }) => state === "pending"));
    const { db } = agent.store;
    const result = await db.selectFrom("results").selectAll().executeTakeFirstOrThrow();
    const older = Array.from({ length: 1_000 }, (_, index) => ({ job_id: `older-${index}`, created_at: 0 }));
    await db
      .insertInto("results")
      .values(older.map((each) => ({ ...result, ...each })))
      .execute();
    await db
      .insertInto("deliveries")
      .values(older.map((each) => ({ ...waiting, ...each, key: each.job_id })))
      .execute();
    clock.advance(HOUR);
    await agent.tick();
    expect(up.received).toHaveLength(2);
  });

  it("is tried again with growing waits, and told of after the last try", async () => {
    const receiver = await hook(() => ({ status: 500, body: "no" }));
    const { agent, clock, rows, send, alerts, logged } = await delivering([receiver.entry]);
    await agent.tick();
    const waits: number[] = [];
    for (let tries = 1; tries < 7; tries++) {
      const row = only(await rows());
      expect(row).toMatchObject({ state: "pending", attempts: tries, error: "HTTP 500: no" });
      waits.push((row.next_at - clock.nowMs()) / MINUTE);
      expect(await send()).toEqual({ delivered: 0, failed: 0, pending: 1 });
      expect(receiver.received).toHaveLength(tries);
      clock.advance(row.next_at - clock.nowMs());
      await send();
      const { findings } = await agent.status();
      const shown = findings.filter(({ code }) => code.startsWith("results_")).map(({ command }) => command);
      expect(shown).toEqual([`afk logs --event delivery_${tries < 6 ? "delayed" : "failed"}`]);
    }
    expect(waits).toEqual([1, 5, 25, 125, 625, 1440]);
    expect(only(await rows())).toMatchObject({ state: "dead", attempts: 7 });
    expect(alerts.filter(({ event }) => event === "delivery_failed")).toMatchObject([
      { title: "A result of work could not be delivered to webhook", severity: "error" },
    ]);
    expect(logged("delivery_delayed")).toHaveLength(6);
    expect(await nextDeliveryAt(agent.store.db)).toBeNull();
  });

  it("is waited for as long as it asks", async () => {
    const receiver = await hook(() => ({ status: 429, headers: { "retry-after": "7200" } }));
    const { agent, clock, rows } = await delivering([receiver.entry]);
    await agent.tick();
    expect(only(await rows()).next_at - clock.nowMs()).toBe(2 * HOUR);
    expect(await nextDeliveryAt(agent.store.db)).toBe(clock.nowMs() + 2 * HOUR);
  });

  it("keeps nobody else waiting, and no later result of its own from its turn", async () => {
    const hanging = await hook(() => ({ hang: "before" }));
    const fine = await hook();
    const { agent, states, send } = await delivering([hanging.entry, fine.entry]);
    await agent.tick();
    expect(await states()).toEqual(["webhook pending 1", "webhook-2 delivered 1"]);
    expect(await send()).toMatchObject({ pending: 1 });
  });

  it("that says yes and dies has it", async () => {
    const receiver = await hook(() => ({ status: 200, body: "ok" }));
    const { agent, states, send } = await delivering([receiver.entry]);
    await agent.tick();
    await receiver.stop();
    expect(await states()).toEqual(["webhook delivered 1"]);
    expect(await send()).toMatchObject({ delivered: 0, pending: 0 });
  });

  it("that breaks off in its answer has not said yes", async () => {
    const receiver = await hook((_request, count) => (count === 1 ? { hang: "body", body: "o" } : {}));
    const { agent, clock, states, send } = await delivering([receiver.entry]);
    await agent.tick();
    clock.advance(MINUTE);
    await send();
    expect(await states()).toEqual(["webhook delivered 2"]);
    expect(new Set(receiver.keys()).size).toBe(1);
  });

  it("whose address was mistyped gets what waits once that is corrected", async () => {
    const [wrong, right] = [await hook(() => ({ status: 404 })), await hook()];
    const alerts = (url: string) => [{ name: "phone", type: "webhook", url, on: ["overrun"] }];
    const job = { name: "work", kind: "work", every: "1h", deliver: [{ to: "phone" }] };
    const made = await delivering([], { alerts: alerts(wrong.url), jobs: [job] });
    await made.agent.tick();
    expect(await made.states()).toEqual(["phone pending 1"]);
    const corrected = await made.reopen({ alerts: alerts(right.url), jobs: [job] });
    expect(await made.send({ config: corrected.config })).toMatchObject({ delivered: 1, pending: 0 });
    expect(right.keys()).toEqual(["work@2026-11-21T10:00:00.000Z:phone"]);
  });

  it("that is called otherwise by now, since another came before it, gets what waits for it and not for that one", async () => {
    const [other, first] = [await hook(), await hook((_, count) => (count === 1 ? { status: 503 } : {}))];
    const made = await delivering([first.entry]);
    await made.agent.tick();
    const job = { name: "work", kind: "work", every: "1h", deliver: [other.entry, first.entry] };
    const { config } = await made.reopen({ jobs: [job] });
    made.clock.advance(MINUTE);
    expect(await made.send({ config })).toMatchObject({ delivered: 1, pending: 0 });
    expect([other.received.length, first.received.length]).toEqual([0, 2]);
  });

  it("that was taken out of the file gets nothing more, and nobody is woken for it", async () => {
    const receiver = await hook(() => ({ status: 500 }));
    const made = await delivering([receiver.entry]);
    await made.agent.tick();
    const agent = await made.reopen({ jobs: [{ name: "work", kind: "work" }] });
    await agent.tick();
    expect(await made.states()).toEqual(["webhook dead 1"]);
    expect(made.alerts.filter(({ event }) => event === "delivery_failed")).toEqual([]);
    expect(made.logged("delivery_dropped")).toHaveLength(1);
  });
});

describe("a result of several messages", () => {
  const long = () => {
    const result = newsOf();
    const items = Array.from({ length: 6 }, (_, index) =>
      sampleItem({ title: `Item ${index}.`, text: "word ".repeat(300) }),
    );
    if (result.report !== undefined) result.report.sections = [{ heading: null, items }];
    return result;
  };
  const telegram = (url: string) => ({ to: "telegram", url: `${url}/bot1:a`, chat_id: 7 });
  const YES = { body: '{"ok":true}' };

  it("goes on behind what the receiver has taken", async () => {
    const receiver = await hook((_request, count) => (count === 2 ? { status: 500 } : YES));
    const { agent, clock, rows, send } = await delivering([telegram(receiver.url)], { run: long });
    await agent.tick();
    expect(only(await rows())).toMatchObject({ state: "pending", parts_taken: 1, attempts: 1 });
    clock.advance(MINUTE);
    expect(await send()).toMatchObject({ delivered: 1 });
    const texts = receiver.bodies().map(({ text }) => String(text));
    expect(texts[1]).toBe(texts[2]);
    const taken = [texts[0], ...texts.slice(2)];
    expect(taken.flatMap((text) => text?.match(/Item \d/g) ?? [])).toEqual(
      Array.from({ length: 6 }, (_, index) => `Item ${index}`),
    );
  });

  it("waits in the middle for what a service asks, if that is a moment", async () => {
    const receiver = await hook((_request, count) =>
      count === 2 ? { status: 429, body: '{"ok":false,"parameters":{"retry_after":1}}' } : YES,
    );
    const { agent, rows } = await delivering([telegram(receiver.url)], { run: long });
    await agent.tick();
    expect(only(await rows())).toMatchObject({ state: "delivered", attempts: 1 });
  });

  it("loses no try to the end of the time that a run of deliveries has", async () => {
    const receiver = await hook(() => YES);
    const { agent, rows, send, clock } = await delivering([telegram(receiver.url)], { run: long });
    await agent.tick();
    // As if none of it had been sent.
    await agent.store.db
      .updateTable("deliveries")
      .set({ state: "pending", attempts: 0, parts_taken: 0, next_at: 0 })
      .execute();
    await send({ limitMs: 500 });
    const row = only(await rows());
    expect(row).toMatchObject({ state: "pending", attempts: 1 });
    expect(row.parts_taken).toBeGreaterThan(0);
    expect(row.next_at).toBe(clock.nowMs());
  });
});

describe("quiet hours", () => {
  it("hold a result until their end, and lose nothing that falls in", async () => {
    const receiver = await hook();
    // The clock begins at 11:00 in Berlin.
    const entry = { ...receiver.entry, quiet_hours: "10:30-13:00" };
    const { agent, clock, states, send, rows } = await delivering([entry], { timezone: "Europe/Berlin" });
    await agent.tick();
    expect(await states()).toEqual(["webhook pending 0"]);
    expect(only(await rows()).next_at).toBe(Date.parse("2026-11-21T12:00:00Z"));
    clock.advance(HOUR);
    await agent.tick();
    expect(receiver.received).toEqual([]);
    clock.advance(HOUR);
    expect(await send()).toMatchObject({ delivered: 2, pending: 0 });
    expect(new Set(receiver.keys()).size).toBe(2);
  });

  it("hold back a retry that falls in, which is no try", async () => {
    const receiver = await hook((_request, count) => (count === 1 ? { status: 500 } : {}));
    const entry = { ...receiver.entry, quiet_hours: "10:01-12:00" };
    const { agent, clock, states, send, rows } = await delivering([entry]);
    await agent.tick();
    clock.advance(MINUTE);
    await send();
    expect(await states()).toEqual(["webhook pending 1"]);
    expect(only(await rows()).next_at).toBe(Date.parse("2026-11-21T12:00:00Z"));
    clock.advance(2 * HOUR);
    await send();
    expect(await states()).toEqual(["webhook delivered 2"]);
  });
});

describe("the feed", () => {
  it("has every kept result of the jobs that deliver to it, in out/, the newest first", async () => {
    const run = (_context: unknown, count: number) => newsOf(`Result ${count}`);
    const { agent, clock, target } = await delivering([{ to: "feed" }], { run });
    for (let ticks = 0; ticks < 3; ticks++) {
      await agent.tick();
      clock.advance(HOUR);
    }
    const { feed } = parseFeed(target.outputs()["feed.xml"] ?? "");
    const titles = (feed as { entries: { title: { value: string } }[] }).entries.map(
      ({ title }) => title.value,
    );
    expect(titles).toEqual(["work: Result 3", "work: Result 2", "work: Result 1"]);
  });
});

describe("a copy", () => {
  const withFiles = (context: { publish(name: string, content: string): void }) => {
    context.publish("work-day.md", "# The day\n");
    context.publish("work-day.html", "<!doctype html>the day");
    return newsOf();
  };

  it("is the run's files in a folder, which is made beside afk.yaml", async () => {
    const { agent, target } = await delivering([{ to: "file", path: "./copies/new/" }], { run: withFiles });
    await agent.tick();
    const folder = join(target.dir, "copies/new");
    expect(readdirSync(folder).sort()).toEqual(["work-day.html", "work-day.md"]);
    expect(readFileSync(join(folder, "work-day.md"), "utf8")).toBe("# The day\n");
  });

  it.each([
    ["latest.md", "# The day\n"],
    ["latest.html", "<!doctype html>the day"],
    ["latest.txt", "work: Two things\n\nA release\n"],
    ["latest.json", '{\n  "version": 1,'],
  ])("is one file that is replaced each time: %s", async (path, beginning) => {
    const { agent, target } = await delivering([{ to: "file", path }], { run: withFiles });
    target.write(path, "from before");
    await agent.tick();
    expect(readFileSync(join(target.dir, path), "utf8").startsWith(beginning)).toBe(true);
  });

  it("waits for a folder elsewhere that is away, and does not make one in its place", async () => {
    const disk = tempDir();
    const { agent, clock, states, rows, send } = await delivering([
      { to: "file", path: `${disk}/nas/digests/` },
    ]);
    await agent.tick();
    expect(only(await rows()).error).toContain(`there is no folder ${disk}/nas/digests`);
    expect(readdirSync(disk)).toEqual([]);
    mkdirSync(join(disk, "nas/digests"), { recursive: true });
    clock.advance(MINUTE);
    await send();
    expect(await states()).toEqual(["file delivered 2"]);
  });

  it("never leaves its folder by a name that the database holds", async () => {
    const { agent, target, send } = await delivering([{ to: "file", path: "./copies/" }], { run: withFiles });
    await agent.tick();
    const { db } = agent.store;
    await db
      .updateTable("outputs")
      .set({ name: "../escaped.md" })
      .where("name", "=", "work-day.md")
      .execute();
    const report = JSON.stringify({ ...newsOf().report, files: ["../escaped.md"] });
    await db.updateTable("results").set({ report }).execute();
    await db.updateTable("deliveries").set({ state: "pending", attempts: 0, next_at: 0 }).execute();
    expect(await send()).toMatchObject({ delivered: 1 });
    expect(readdirSync(target.dir)).not.toContain("escaped.md");
  });

  it("says that a folder is in the place of a file", async () => {
    const { agent, target, rows } = await delivering([{ to: "file", path: "there" }]);
    mkdirSync(join(target.dir, "there"));
    writeFileSync(join(target.dir, "there/x"), "");
    await agent.tick();
    expect(only(await rows()).error).toContain("is a folder; end the path with /");
  });
});

describe("an e-mail", () => {
  it("arrives as text and HTML in one message", async () => {
    const { port, sessions } = await smtpServer();
    const entry = {
      to: "email",
      url: `smtp://127.0.0.1:${port}`,
      from: "afk@example.org",
      mail_to: "me@example.org",
    };
    const { agent, states } = await delivering([entry]);
    await agent.tick();
    expect(await states()).toEqual(["email delivered 1"]);
    const message = only(sessions).message ?? "";
    expect(message).toMatch(/content-type: multipart\/alternative/i);
    expect(message).toMatch(/content-type: text\/plain/i);
    expect(message).toMatch(/content-type: text\/html/i);
    expect(message).toMatch(/^List-Id: <work\.test-agent\.example\.org>/im);
    expect(message).not.toMatch(/^(?:In-Reply-To|References):/im);
    expect(message).toContain("https://example.org/release");
  });
});

describe("how far a long run is", () => {
  it("is told to its receivers as often as the job says, and no more once it has ended", async () => {
    const receiver = await hook();
    const deliver = [receiver.entry, { to: "feed" }, { ...receiver.entry, when: "failed" }];
    const made = await delivering([], {
      jobs: [{ name: "work", kind: "work", every: "1h", progress: "1s", deliver }],
      run: async (context) => {
        context.progress(3, 10, "the third");
        // The sender has it while the run goes on.
        while (receiver.received.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
        return newsOf();
      },
    });
    await made.agent.tick();
    expect(receiver.bodies()).toMatchObject([
      {
        outcome: "progress",
        title: expect.stringMatching(/^3 of 10 done, running for (?:1 s|9\d\d ms)/),
        text: "the third",
      },
      { outcome: "done" },
    ]);
    expect((await made.rows()).map(({ outcome }) => outcome)).toEqual(["done", "done"]);
  });

  it("does not end the run where it cannot be written down", async () => {
    const receiver = await hook();
    const made = await delivering([], {
      jobs: [{ name: "work", kind: "work", every: "1h", progress: "1s", deliver: [receiver.entry] }],
      run: async (context) => {
        const { schema } = made.agent.store.db;
        await schema.alterTable("results").renameTo("elsewhere").execute();
        context.progress(3, 10, "the third");
        while (made.logged("delivery_delayed").length === 0)
          await new Promise((resolve) => setTimeout(resolve, 20));
        // Long enough that a failure which nobody awaits would end the process.
        await new Promise((resolve) => setTimeout(resolve, 20));
        await schema.alterTable("elsewhere").renameTo("results").execute();
        return newsOf();
      },
    });
    await made.agent.tick();
    expect(made.logged("delivery_delayed")).toMatchObject([{ name: "work", error: expect.any(String) }]);
    expect(receiver.bodies()).toMatchObject([{ outcome: "done" }]);
  });
});
