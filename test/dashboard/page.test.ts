import { writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { acquireLock } from "../../src/store/sqlite/lock.ts";
import { PREPARED_NOW } from "./prepared.ts";
import { partOf, type TestSite, testSite, textOf } from "./site.ts";

async function page(site: TestSite): Promise<string> {
  const { status, body } = await site.ask("/");
  expect(status).toBe(200);
  return body;
}

describe("the page of a prepared database tells the truth about", () => {
  test("everything", async () => {
    const site = await testSite();
    const body = await page(site);
    const text = (name: string) => textOf(partOf(body, name));

    // The state, and each reason for it.
    expect(text("verdict")).toContain("Needs a person");
    expect(text("verdict")).toContain("Last tick 30 min ago ok, 3 outputs");
    expect(text("verdict")).toContain("Next due in 2 h triage");
    expect(text("verdict")).toContain("Spent today $0.50 of $1.00 a day");
    expect(text("verdict")).toContain("Queue 1 running 1 ready, 1 dead letter");
    expect(text("verdict")).toContain("Act 1 dead job afk dead");
    expect(text("verdict")).toContain("Act 1 call of unknown cost: charged at $0.085");

    // Each cap, settled and reserved apart.
    expect(text("spend")).toContain("Last 60 minutes $0.213 of $0.25 85 %: $0.128 settled, $0.085 reserved");
    expect(text("spend")).toContain("Today $0.50 of $1.00 50 %: $0.415 settled, $0.085 reserved");
    expect(text("spend")).toContain("This month $7.56 of $20.00 37 %: $7.47 settled, $0.085 reserved");
    expect(text("spend")).toContain("$8.60 in 30 days, at most $1.00 a day");
    expect(text("spend")).toContain("10 Nov: $1.00 settled, $0 reserved");

    // Two weeks: 48 ticks of half an hour make a day.
    expect(text("days")).toMatch(/10 Nov 48 \d+ 0 7 \$1\.00/);
    expect(text("days")).toMatch(/13 Nov 48 \d+ 2 0 \$0\.40/);

    expect(text("queue")).toContain("running 1 ready 1 done 181 dead 1");
    expect(text("queue")).toContain(
      "weekly, 20 Nov 18:00 ready in 4 min, attempt 2 of 5./weekly.sh ended with exit code 3",
    );
    expect(text("queue")).toContain("digest 0 6 * * * 3 outputs 1 h ago 22 Nov 06:00");
    expect(text("queue")).toContain("weekly 0 18 * * 5 no result yet 27 Nov 18:00");
    expect(text("dead")).toContain("label 'needs-info' does not exist in octo-org/octo-repo");
    expect(text("dead")).toContain("triage, 20 Nov 22:00 5 attempts");
    expect(text("dead")).toContain("afk dead show 01dead");
    expect(text("incidents")).toContain(
      "host:news.example.org is not called for now lasting 1 time, first 8 min ago",
    );
    expect(text("incidents")).toContain("A tick failed over after 4 h 2 times, first 8 d ago");
    expect(text("incidents")).toContain("afk incidents show ncident1");
    expect(text("breakers")).toContain("host:news.example.org open, a probe in 12 min");
    expect(text("breakers")).toContain("model:ollama/qwen2.5:3b 1 failure in a row");
    expect(text("sources")).toContain("3 work, 1 fails");
    expect(text("sources")).toContain("Tide tables failed 4 h 30 min ago news.example.org answered 503");
    expect(text("sources")).toContain("Inbox 1 item, 1 part left out, 4 h 30 min ago");
    expect(text("alerts")).toContain("ntfy sent, webhook failed (not sent within 7 days)");
    expect(text("alerts")).toContain("ntfy sent, webhook pending (answered 502)");
    expect(text("ticks")).toContain("10:00 ok 3 48 s $0.07648");
    expect(text("ticks")).toContain("09:30 7 idle since 06:30");
    expect(text("digest")).toContain("digest-2026-11-21.md, 4 h 29 min ago");
    expect(text("digest")).toContain("The pilots ask for a second radio channel from January.");
    expect(partOf(body, "digest")).toContain(
      'href="https://news.example.org/lock" rel="noopener noreferrer nofollow"',
    );
    expect(site.errors).toEqual([]);
  });

  test("a calm agent", async () => {
    const text = textOf(await page(await testSite({ isCalm: true })));
    expect(text).toContain("All is well");
    expect(text).toContain("No call has failed yet.");
    expect(text).not.toContain("Dead letters");
    expect(text).not.toMatch(/\b(Act|Look)\b/);
  });

  test("an agent that has done nothing", async () => {
    const body = await page(await testSite({ isEmpty: true }));
    const text = textOf(body);
    expect(text).toContain("Has not run yet");
    expect(text).toContain("Spent today $0 of $1.00 a day");
    expect(text).toContain("$0 in 30 days, at most $0 a day");
    expect(text).not.toContain("Latest digest");
    expect(body).not.toContain("NaN");
    expect(body).not.toContain("undefined");
  });

  test("a cap of 0", async () => {
    const site = await testSite({ isEmpty: true, sections: { budget: { daily_cap_usd: 0 } } });
    const text = textOf(await page(site));
    expect(text).toContain("a cap of 0: nothing may be spent");
    expect(text).toContain("Worth a look");
  });

  test("a kill switch that is set, by row and by file", async () => {
    const site = await testSite({ isCalm: true });
    await site.store.atomically((trx) =>
      trx
        .updateTable("kill_switch")
        .set({ set_at: PREPARED_NOW - 60_000, reason: "on holiday" })
        .execute(),
    );
    expect(textOf(await page(site))).toContain(
      "Act the kill switch is set: on holiday (row, 1 min ago) afk resume",
    );
    writeFileSync(site.config.paths.stopFile, "");
    site.clock.advance(1_000);
    const text = textOf(await page(site));
    expect(text).toContain("Stopped");
    expect(text).toMatch(/the kill switch is set: .*\(file, /);
  });

  test("a worker that has gone, although nothing was written any more", async () => {
    const site = await testSite({ isCalm: true });
    expect(textOf(await page(site))).toContain("All is well");
    site.clock.advance(45 * 60_000);
    const text = textOf(await page(site));
    expect(text).toContain("Not well");
    expect(text).toContain("is the timer running?");
  });

  test("every breaker's state, a tick under way, drafts and a full cap", async () => {
    const site = await testSite({ isCalm: true });
    await site.store.atomically(async (trx) => {
      const row = { failures: 0, until: PREPARED_NOW + 60_000, cooldown_ms: 1, reason: null, updated_at: 0 };
      await trx
        .insertInto("breakers")
        .values({ ...row, name: "host:half", state: "half_open", probe: "p" })
        .execute();
      await trx
        .insertInto("ticks")
        .values({
          id: "02",
          started_at: PREPARED_NOW - 5_000,
          finished_at: null,
          outcome: "running",
          reason: null,
          units: 0,
          cost_micros: 0,
          by_hand: 0,
          next_due_at: null,
          version: "1",
        })
        .execute();
      await trx
        .updateTable("budget_windows")
        .set({ settled_micros: 1_000_000 })
        .where("window", "=", "day")
        .where("period", "=", "2026-11-21")
        .execute();
      const draft = {
        job_id: "01digest",
        action: "post",
        content: "{}",
        created_at: 0,
        decided_at: null,
        summary: null,
        error: null,
      };
      await trx
        .insertInto("drafts")
        .values({ ...draft, id: "d1", name: "a", state: "pending", attempted_at: null })
        .execute();
    });
    const lock = acquireLock(site.config.paths.lock);
    const text = textOf(await page(site));
    expect(text).toContain("Needs a person");
    expect(text).toContain("host:half half open, until in 1 min");
    expect(text).toContain("Last tick 5 s ago under way");
    expect(text).toContain("Look the day cap is reached afk ledger");
    expect(text).toContain("Act 1 draft to approve afk drafts");
    expect(text).toContain(`Worker working process ${process.pid}`);
    lock.release();
    site.clock.advance(1_000);
    const died = textOf(await page(site));
    expect(died).toContain("Not well Worker none now");
    expect(died).toContain("its process has died afk health");
    expect(died).not.toContain("under way");
  });
});

describe("text from outside stays text", () => {
  const HOSTILE = `</title><script>alert(1)</script><img src=x onerror=alert(2)>"'&\u202Eevil\u0000\u001b[31m`;

  test("in every place that holds some", async () => {
    const site = await testSite();
    await site.store.atomically(async (trx) => {
      await trx.updateTable("dead_letters").set({ key: HOSTILE, error: HOSTILE }).execute();
      await trx.updateTable("jobs").set({ error: HOSTILE }).where("state", "=", "ready").execute();
      await trx.updateTable("jobs").set({ key: HOSTILE }).where("state", "=", "running").execute();
      await trx.updateTable("breakers").set({ reason: HOSTILE }).where("state", "=", "open").execute();
      await trx.updateTable("ticks").set({ reason: HOSTILE }).execute();
      await trx
        .updateTable("outputs")
        .set({ content: `# x\n\n${HOSTILE}\n\n## [${HOSTILE}](javascript:alert(3))\n\n- ${HOSTILE}` })
        .execute();
      const payload = JSON.stringify({ title: HOSTILE, message: HOSTILE });
      await trx.updateTable("alerts").set({ payload, event: HOSTILE }).execute();
      await trx
        .updateTable("alert_deliveries")
        .set({ error: HOSTILE, channel: `${HOSTILE}` })
        .where("alert_id", "=", "01alert4")
        .where("channel", "like", "webhook%")
        .execute();
      await trx
        .updateTable("steps")
        .set({ result: JSON.stringify({ label: HOSTILE, error: HOSTILE, items: [], notes: [] }) })
        .execute();
      await trx.updateTable("kill_switch").set({ set_at: 1, reason: HOSTILE }).execute();
      await trx.updateTable("incidents").set({ title: HOSTILE }).execute();
    });
    const body = await page(site);
    const tags = new Set([...body.matchAll(/<(\w+)/g)].map((match) => match[1]));
    expect(tags).not.toContain("img");
    expect([...body.matchAll(/<script/g)]).toHaveLength(1);
    expect(body.replace(/<(style|script)>.*?<\/\1>/gs, "")).not.toMatch(/<[^>]*\son\w+=/);
    expect(body).not.toContain('href="javascript');
    for (const unseen of ["\u0000", "\u001b", "\u202E"]) expect(body).not.toContain(unseen);
    expect(textOf(body).split("<script>alert(1)</script>").length).toBeGreaterThan(12);
  });

  test("and a secret is shown nowhere, even when it was written down", async () => {
    const secret = "hush-hush-hush-0123456789";
    const site = await testSite({ sections: { dashboard: { token: secret } } });
    await site.store.atomically(async (trx) => {
      await trx
        .updateTable("dead_letters")
        .set({ error: `failed with ${secret} in it` })
        .execute();
      await trx
        .updateTable("outputs")
        .set({ content: `# x\n\n${secret}\n` })
        .execute();
    });
    for (const path of ["/", "/metrics", "/healthz"]) {
      const { status, body } = await site.ask(path, { headers: { authorization: `Bearer ${secret}` } });
      expect(status).toBe(200);
      expect(body).not.toContain(secret);
    }
  });
});

test("a database that cannot be read is told of, and the page comes back with it", async () => {
  const site = await testSite({ isCalm: true });
  await site.store.atomically((trx) => trx.schema.alterTable("breakers").renameTo("away").execute());
  const broken = await site.ask("/");
  expect(broken.status).toBe(503);
  expect(textOf(broken.body)).toContain("The state cannot be read");
  expect(textOf(broken.body)).not.toContain("All is well");
  expect((await site.ask("/healthz")).status).toBe(503);
  expect((await site.ask("/metrics")).status).toBe(503);
  await site.store.atomically((trx) => trx.schema.alterTable("away").renameTo("breakers").execute());
  expect((await site.ask("/")).status).toBe(200);
});
