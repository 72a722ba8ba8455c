import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { PREPARED_NOW } from "./prepared.ts";
import { partOf, type TestSite, testSite, textOf } from "./site.ts";

const HOUR = 3_600_000;
const HOSTILE = `</pre><script>window.hit=1</script><img src=x onerror="window.hit=2">\u202etxt`;

async function text(site: TestSite, path: string): Promise<string> {
  const { status, body } = await site.ask(path);
  expect(status, path).toBe(200);
  return textOf(body.replace(/<head>.*<\/head>/s, ""));
}

/** A run of an exec job that ended well, with what it recorded. */
async function addRun(site: TestSite, id: string, recorded: Record<string, unknown>): Promise<void> {
  const at = PREPARED_NOW - HOUR;
  const key = `triage@${new Date(at).toISOString()}`;
  const lease = { lease_until: null, waiting_since: null, token: 1, runner: null, run_at: at };
  const { db } = site.store;
  await db
    .insertInto("jobs")
    .values({
      ...{ id, key, name: "triage", kind: "exec", payload: '{"note":"by hand"}', state: "done", ...lease },
      ...{ attempts: 1, max_attempts: 5, error: null, units: 1, by_hand: 0, slot_at: at, label: "x" },
      ...{ created_at: at, updated_at: at + 2_000 },
    })
    .execute();
  await db
    .insertInto("steps")
    .values({ job_id: id, name: "run", result: JSON.stringify(recorded), created_at: at })
    .execute();
}

function writeLog(site: TestSite, day: string, lines: Record<string, unknown>[]): void {
  mkdirSync(site.config.paths.logs, { recursive: true });
  writeFileSync(
    join(site.config.paths.logs, `afk-${day}.jsonl`),
    lines.map((line) => `${JSON.stringify({ level: "info", ...line })}\n`).join(""),
  );
}

describe("the page of one run", () => {
  test("shows state, error, and what to do with a dead letter", async () => {
    const site = await testSite();
    const { body } = await site.ask("/");
    expect(partOf(body, "dead")).toContain('href="jobs/01dead"');
    const shown = await text(site, "/jobs/01dead");
    expect(shown).toContain("triage, 20 Nov 22:00");
    expect(shown).toContain("dead");
    expect(shown).toContain("Attempts 5 of 5");
    expect(shown).toContain("./triage.sh ended with exit code 2");
    expect(shown).toContain("afk dead retry 01dead");
    expect(shown).toContain("The log has nothing of it any more.");
    expect(site.errors).toEqual([]);
  });

  test("shows what its program wrote, its steps, its payload and its trace, without a secret and without markup", async () => {
    const secret = "key-0123456789abcdef";
    const site = await testSite({
      sections: {
        jobs: [{ name: "triage", kind: "exec", command: ["true"], env: { TOKEN_SECRET: secret } }],
      },
    });
    await addRun(site, "01wrote", {
      stdout: `line 1\n${HOSTILE}\n${secret}\n`,
      stderr: "odd\n",
      truncated: true,
    });
    const key = `triage@${new Date(PREPARED_NOW - HOUR).toISOString()}`;
    const ts = new Date(PREPARED_NOW - HOUR + 500).toISOString();
    writeLog(site, "2026-11-21", [
      { ts, event: "job_started", job: key, name: "triage", attempt: 1 },
      { ts, event: "job_started", job: "other", name: "another job" },
      { ts, level: "error", event: "job_failed", job: key, name: "triage", error: HOSTILE },
    ]);
    const { status, body } = await site.ask("/jobs/01wrote");
    expect(status).toBe(200);
    expect(body).not.toContain("<img");
    expect(body).not.toContain("\u202e");
    expect(body).not.toContain(secret);
    expect(body.match(/<script>/g)).toHaveLength(1);
    const shown = textOf(body);
    expect(shown).toContain("line 1 </pre><script>window.hit=1</script>");
    expect(shown).toContain("Standard error odd");
    expect(shown).toContain("It wrote more than is kept.");
    expect(shown).toContain('{"note":"by hand"}');
    expect(shown).toMatch(/job started triage, attempt 1/);
    expect(shown).not.toContain("another job");
    expect(shown).toContain("afk logs --job 01wrote");
  });

  test("is found by its key and by the name of its job, and by nothing else", async () => {
    const site = await testSite();
    const key = "digest@2026-11-21T05:00:00.000Z";
    for (const word of ["01digest", encodeURIComponent(key), "digest"])
      expect(await text(site, `/jobs/${word}`), word).toContain("digest, 06:00");
    for (const path of [
      "/jobs/",
      "/jobs/nothing",
      "/jobs/01d",
      "/jobs/%ff",
      "/jobs/a/b",
      "/jobs/..%2f..%2fetc",
      "/ticks/x",
      "/dead/01dead",
    ])
      expect(await site.ask(path), path).toMatchObject({ status: 404 });
  });

  test("is bounded, however much a run has recorded", async () => {
    const site = await testSite();
    await addRun(site, "01large", {
      stdout: "x".repeat(1_048_576),
      stderr: "é".repeat(500_000),
      truncated: false,
    });
    await site.store.db
      .insertInto("outputs")
      .values({
        ...{ name: "huge.md", job_id: "01large", content: `# Huge\n\n${"word ".repeat(2_000_000)}` },
        ...{ state: "published", created_at: PREPARED_NOW, published_at: PREPARED_NOW },
      })
      .execute();
    const run = await site.ask("/jobs/01large");
    expect(run.body.length).toBeLessThan(100_000);
    expect(textOf(run.body)).toContain("The last 20000 of 65536 characters.");
    const file = await site.ask("/files/huge.md");
    expect(file.body.length).toBeLessThan(700_000);
    expect(textOf(file.body)).toContain("This is the beginning of it");
  });
});

describe("the page of one tick", () => {
  test("shows how it went, what it ran, and its trace, of a log of any size", async () => {
    const site = await testSite();
    const tick = await site.store.db
      .selectFrom("ticks")
      .select(["id", "started_at"])
      .where("outcome", "=", "ok")
      .orderBy("id", "desc")
      .executeTakeFirstOrThrow();
    const at = (ms: number) => new Date(tick.started_at + ms).toISOString();
    const filler = Array.from({ length: 40_000 }, (_, n) => ({
      ts: at(120_000 + n),
      event: "page_fetched",
      url: "x".repeat(200),
    }));
    const key = "digest@2026-11-21T05:00:00.000Z";
    writeLog(site, "2026-11-21", [
      { ts: at(-300_000), event: "tick_started", tick: "another" },
      { ts: at(0), event: "tick_started", tick: tick.id },
      { ts: at(10), event: "job_started", tick: tick.id, job: key, name: "digest" },
      { ts: at(20), event: "job_done", tick: tick.id, job: key, name: "digest", summary: "3 new items" },
      ...filler,
    ]);
    const { body } = await site.ask("/");
    expect(partOf(body, "ticks")).toContain(`href="ticks/${tick.id}"`);
    const shown = await text(site, `/ticks/${tick.id}`);
    expect(shown).toContain("Took 48 s");
    expect(shown).toContain("Ran digest, 06:00");
    expect(shown).toContain("3 new items");
    expect(shown).not.toContain("another");
    expect((await site.ask(`/ticks/${tick.id}`)).body).toContain('href="../jobs/01digest"');
  });
});

describe("a digest", () => {
  test("opens at an address of its own, as safe markup, with the way to the others", async () => {
    const site = await testSite();
    await site.store.db
      .updateTable("outputs")
      .set({ content: `# A \\*day\\*\n\n## [${HOSTILE}](javascript:1)` })
      .execute();
    const { body, status } = await site.ask("/files/digest-2026-11-21.md");
    expect(status).toBe(200);
    expect(body).toContain("<h1><bdi>A *day*</bdi></h1>");
    expect(body).not.toContain("<img");
    expect(body).not.toContain('href="javascript');
    expect(body).toContain('href="../jobs/01digest"');
    expect(await text(site, "/files/")).toContain("digest-2026-11-21.md");
  });

  test("of another kind, and a path of the disk, are not served", async () => {
    const site = await testSite();
    for (const path of [
      "/files/digest-2026-11-21.html",
      "/files/..%2fafk.yaml",
      "/files/%2Fetc%2Fpasswd.txt",
      "/files/x.md",
    ])
      expect(await site.ask(path), path).toMatchObject({ status: 404 });
  });
});

test("the token guards every address", async () => {
  const site = await testSite({ sections: { dashboard: { token: "0123456789abcdef0123456789abcdef" } } });
  for (const path of ["/jobs/01dead", "/ticks/01tick000001", "/files/", "/files/digest-2026-11-21.md"]) {
    expect(await site.ask(path), path).toMatchObject({ status: 401 });
    const headers = { authorization: "Bearer 0123456789abcdef0123456789abcdef" };
    expect((await site.ask(path, { headers })).status, path).toBe(200);
    expect((await site.ask(path, { method: "POST", headers })).status, path).toBe(405);
    expect((await site.ask(path, { headers: { host: "evil.example.org" } })).status, path).toBe(403);
  }
});

test("days before the first tick say so, and are no zeros", async () => {
  const young = await testSite({ isEmpty: true });
  const days = async (site: TestSite) => textOf(partOf((await site.ask("/")).body, "days"));
  expect(await days(young)).toContain("Nothing has run yet.");
  const tick = { reason: null, by_hand: 0, next_due_at: null, version: "1", cost_micros: 0, units: 2 };
  await young.store.db
    .insertInto("ticks")
    .values({ ...tick, id: "02first", started_at: PREPARED_NOW, finished_at: PREPARED_NOW, outcome: "ok" })
    .execute();
  young.clock.advance(20_000);
  expect(await days(young)).toMatch(/21 Nov 1 2 0 0 \$0 Nothing had run before 21 Nov\./);
});
