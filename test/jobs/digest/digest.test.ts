import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { digest } from "../../../src/jobs/digest/digest.ts";
import type { DigestSettings } from "../../../src/jobs/digest/settings.ts";
import { AfkError } from "../../../src/lib/errors.ts";
import { type FakeJob, fakeJob, localSite } from "../../support/job-context.ts";
import { tempDir } from "../../support/temp.ts";

const EXAMPLE = new URL("../../../examples/quickstart/", import.meta.url).pathname;

const settings = (entry: object): DigestSettings =>
  v.parse(digest.settings as v.GenericSchema<unknown, DigestSettings>, entry);

/** A folder `in` with notes named a, b, c, … of which a is the oldest. */
function notes(count: number): string {
  const base = tempDir();
  mkdirSync(join(base, "in"));
  for (let n = 0; n < count; n++) addNote(base, n);
  return base;
}

function addNote(base: string, n: number): void {
  const letter = String.fromCharCode(97 + n);
  writeFileSync(
    join(base, "in", `2026-11-${String(n + 1).padStart(2, "0")}-${letter}.txt`),
    `note ${letter}\ntext ${letter}`,
  );
}

const titles = (job: FakeJob<DigestSettings>) =>
  [...(job.files.get("digest-2026-11-21.md") ?? "").matchAll(/^## (note .*)$/gm)].map((match) => match[1]);

const FOLDER = { sources: [{ folder: "in" }] };

test("publishes Markdown and HTML, one summary an item and a lead, and counts its items", async () => {
  const job = fakeJob(settings(FOLDER), { base: notes(2) });
  expect(await digest.run(job.context)).toMatchObject({ units: 2, summary: "2 new items" });
  expect([...job.files.keys()]).toEqual(["digest-2026-11-21.md", "digest-2026-11-21.html"]);
  expect(titles(job)).toEqual(["note b", "note a"]);
  expect(job.asked.map(({ name }) => name)).toEqual([
    expect.stringMatching(/^item:[0-9a-f]{32}$/),
    expect.stringMatching(/^item:[0-9a-f]{32}$/),
    "lead",
  ]);
  expect(job.asked[0]!.request.messages[1]!.content).toBe('Title: "note b"\n<content>\ntext b\n</content>');
  expect(job.progress).toEqual([
    [0, 2, "note b"],
    [1, 2, "note a"],
    [2, 2, "lead"],
  ]);
});

test("asks once about items that say the same, however many there are of them", async () => {
  const base = tempDir();
  const item = (n: number) =>
    `<item><guid isPermaLink="false">${n}</guid><link>https://example.org/${n}</link><title>Maintenance</title><description>It is down. It is back.</description></item>`;
  const items = Array.from({ length: 30 }, (_, n) => item(n)).join("");
  writeFileSync(
    join(base, "feed.xml"),
    `<rss version="2.0"><channel><title>Status</title>${items}</channel></rss>`,
  );
  const job = fakeJob(settings({ sources: [{ feed: "feed.xml" }] }), { base });
  expect(await digest.run(job.context)).toMatchObject({ units: 30 });
  expect(job.asked.map(({ name }) => name)).toEqual([expect.stringMatching(/^item:/), "lead"]);
  expect(job.files.get("digest-2026-11-21.md")?.match(/^One sentence\. Two sentences\.$/gm)).toHaveLength(30);
});

test("a job of another name names its files so", async () => {
  const job = fakeJob(settings(FOLDER), { base: notes(1), name: "team-news", label: "2026-11-21T0600" });
  await digest.run(job.context);
  expect([...job.files.keys()]).toEqual(["team-news-2026-11-21T0600.md", "team-news-2026-11-21T0600.html"]);
});

test("a second run of the same job asks nothing and reads nothing again, and writes the same bytes", async () => {
  const base = notes(3);
  const first = fakeJob(settings(FOLDER), { base });
  await digest.run(first.context);
  addNote(base, 3);
  const second = fakeJob(settings(FOLDER), { base, memory: first.memory });
  expect(await digest.run(second.context)).toMatchObject({ units: 3, summary: "3 new items" });
  expect(second.asked).toEqual([]);
  expect(second.files).toEqual(first.files);
});

test("a job that is stopped between two summaries goes on where it was", async () => {
  const base = notes(3);
  const halt = new AfkError("cap_reached", "the cap is reached");
  const first = fakeJob(settings(FOLDER), {
    base,
    answer: (request) => {
      if (request.messages[1]!.content.includes("note a")) throw halt;
      return {};
    },
  });
  await expect(digest.run(first.context)).rejects.toBe(halt);
  expect(first.files.size).toBe(0);
  const second = fakeJob(settings(FOLDER), { base, memory: first.memory });
  await digest.run(second.context);
  expect(second.asked.map(({ request }) => request.messages[1]!.content)).toEqual([
    expect.stringContaining("note a"),
    expect.stringMatching(/^<content>\n(One sentence\. Two sentences\.\s+){3}/),
  ]);
  expect(titles(second)).toEqual(["note c", "note b", "note a"]);
});

test("items of earlier digests do not come again; with none that are new nothing is published", async () => {
  const base = notes(2);
  const first = fakeJob(settings(FOLDER), { base });
  await digest.run(first.context);
  const memory = first.finish();
  const second = fakeJob(settings(FOLDER), { base, memory });
  expect(await digest.run(second.context)).toMatchObject({ units: 0, summary: "no new items" });
  expect(second.files.size + second.asked.length).toBe(0);
  addNote(base, 2);
  const third = fakeJob(settings(FOLDER), { base, memory: second.finish() });
  await digest.run(third.context);
  expect(titles(third)).toEqual(["note c"]);
});

test("what is over max_items waits for the next digest", async () => {
  const base = notes(5);
  const two = settings({ ...FOLDER, max_items: 2 });
  const first = fakeJob(two, { base });
  await digest.run(first.context);
  expect(titles(first)).toEqual(["note e", "note d"]);
  expect(first.files.get("digest-2026-11-21.md")).toContain(
    "2 new items from 1 source; 3 more wait for the next digest.",
  );
  expect(first.files.get("digest-2026-11-21.md")).toContain(
    "- in: 3 items for the next digest, as one holds 2 (max\\_items): note c; note b; note a\n",
  );
  const second = fakeJob(two, { base, memory: first.finish() });
  await digest.run(second.context);
  expect(titles(second)).toEqual(["note c", "note b"]);
});

test("a failing source is named in the digest and in the report, and the rest goes on", async () => {
  const sources = [
    { folder: "missing", name: "Gone" },
    { feed: "https://example.org/gone" },
    { folder: "in" },
  ];
  const { egress } = await localSite({});
  const job = fakeJob(settings({ sources }), { base: notes(1), egress });
  const result = await digest.run(job.context);
  expect(result).toMatchObject({ units: 1, summary: "1 new item; 2 sources failed" });
  expect(result.sources).toEqual([
    { id: expect.any(String), label: "Gone", error: expect.stringContaining("no such file or folder") },
    { id: expect.any(String), label: "example.org/gone", error: expect.stringContaining("404") },
    { id: expect.any(String), label: "in", error: null },
  ]);
  expect(new Set(result.sources?.map(({ id }) => id)).size).toBe(3);
  expect(job.files.get("digest-2026-11-21.md")).toMatch(
    /## Failing sources\n\n- Gone: .*\n- example\.org\/gone: .*404\n\n---/,
  );
  expect(job.files.get("digest-2026-11-21.html")).toContain("Failing sources");
});

test("a feed is called by its own title, where its owner gives it no name", async () => {
  const rss =
    "<rss><channel><title>Example &amp;amp; Sons</title><item><title>a</title></item></channel></rss>";
  const { egress } = await localSite({ "/feed": { body: rss } });
  const label = async (more: { name?: string }) => {
    const job = fakeJob(settings({ sources: [{ feed: "https://example.org/feed", ...more }] }), { egress });
    const { sources } = await digest.run(job.context);
    expect(sources).toMatchObject([{ label: more.name ?? "example.org/feed" }]);
    return job.files.get("digest-2026-11-21.md");
  };
  expect(await label({})).toContain("*Example & Sons, undated");
  expect(await label({ name: "Ours" })).toContain("*Ours, undated");
});

test("egress that refuses is a failure of the source too", async () => {
  const egress = {
    fetch: () => Promise.reject(new AfkError("egress_refused", "example.org may not be asked")),
  };
  const job = fakeJob(settings({ sources: [{ feed: "https://example.org/feed" }] }), { egress });
  expect(await digest.run(job.context)).toMatchObject({
    sources: [{ label: "example.org/feed", error: "example.org may not be asked" }],
  });
});

test("failures alone are published once a day, without a model", async () => {
  const base = tempDir();
  const first = fakeJob(settings(FOLDER), { base });
  expect(await digest.run(first.context)).toMatchObject({
    units: 0,
    summary: "no new items; 1 source failed",
  });
  expect(first.files.size).toBe(2);
  expect(first.asked).toEqual([]);
  const second = fakeJob(settings(FOLDER), { base, memory: first.finish() });
  expect(await digest.run(second.context)).toMatchObject({ summary: "no new items; 1 source failed" });
  expect(second.files.size).toBe(0);
  mkdirSync(join(base, "in"));
  const third = fakeJob(settings(FOLDER), { base, memory: second.finish() });
  expect(await digest.run(third.context)).toMatchObject({
    summary: "no new items",
    sources: [{ error: null }],
  });
});

test.each([
  ["a halt", new AfkError("killed", "the kill switch is set")],
  ["a bug", new TypeError("x is not a function")],
])("%s is no failure of the source", async (_, error) => {
  const job = fakeJob(settings({ sources: [{ feed: "https://example.org/feed" }] }), {
    egress: { fetch: () => Promise.reject(error) },
  });
  await expect(digest.run(job.context)).rejects.toBe(error);
  expect(job.memory.steps.size + job.events.length).toBe(0);
});

test("an abort is no failure of the source, even when egress dresses it up as one", async () => {
  const controller = new AbortController();
  const job = fakeJob(settings({ sources: [{ feed: "https://example.org/feed" }] }), {
    signal: controller.signal,
    egress: {
      fetch: () => {
        controller.abort(new AfkError("killed", "the kill switch is set"));
        return Promise.reject(new AfkError("egress_failed", "the connection was closed"));
      },
    },
  });
  await expect(digest.run(job.context)).rejects.toThrow("the kill switch is set");
  expect(job.memory.steps.size + job.events.length).toBe(0);
});

test("what the model says is cleaned, bounded and escaped, and what was second choice is marked", async () => {
  const text = `[click](https://evil.example)\n\n# <b>\u001b[31m ${"long ".repeat(300)}`;
  const job = fakeJob(settings(FOLDER), {
    base: notes(1),
    answer: () => ({ text, model: "extractive", degraded: true }),
  });
  await digest.run(job.context);
  const markdown = job.files.get("digest-2026-11-21.md")!;
  const summary = markdown.split("\n").find((line) => line.startsWith("\\[click"))!;
  expect(summary.length).toBeLessThan(620);
  expect(markdown).not.toMatch(/[^\\]\]\(/);
  expect(markdown).not.toContain("\u001b");
  expect(markdown).toContain("*(all summaries: sentences of the text, since no model answered)*");
  expect(job.files.get("digest-2026-11-21.html")).not.toMatch(/<b>|href/);
});

test("of what a model says nothing of, the text's own sentences are printed, marked", async () => {
  const job = fakeJob(settings(FOLDER), { base: notes(1), answer: () => ({ text: " \n" }) });
  await digest.run(job.context);
  expect(job.files.get("digest-2026-11-21.md")).toContain(
    "\n\ntext a\n\n*(not by the model: it said nothing)*\n",
  );
});

test("a summary that names what the text does not is not printed, is said to be refused, and is logged", async () => {
  const base = notes(1);
  const answer = (_: unknown, name: string) =>
    name === "lead" ? {} : { text: "The note came in 1984. It is text." };
  const job = fakeJob(settings(FOLDER), { base, answer });
  await digest.run(job.context);
  const markdown = job.files.get("digest-2026-11-21.md")!;
  expect(markdown).not.toContain("The note came");
  expect(markdown).toContain("\ntext a\n\n*(not by the model: it named 1984, which the text does not)*\n");
  expect(markdown).toContain("*(all summaries by ollama/test; 1 refused by a check of what they say, ");
  expect(job.events).toEqual([
    {
      event: "summary_refused",
      fields: {
        step: expect.stringMatching(/^item:/),
        model: "ollama/test",
        reason: "it named 1984, which the text does not",
      },
    },
  ]);
  const again = fakeJob(settings(FOLDER), { base, memory: job.memory });
  await digest.run(again.context);
  expect([again.asked, again.files]).toEqual([[], job.files]);
});

test("with interests the best come first and into the digest, whatever the source, and say why; what is printed is kept", async () => {
  const base = notes(4);
  writeFileSync(join(base, "in", "2026-11-01-z.txt"), "Postgres 19\nIt is out.");
  const entry = { ...FOLDER, interests: ["postgres"], max_items: 2, group_by: "topic" };
  const job = fakeJob(settings(entry), { base });
  const { printed } = await digest.run(job.context);
  const markdown = job.files.get("digest-2026-11-21.md")!;
  expect([...markdown.matchAll(/^##+ (.*)$/gm)].map(([, title]) => title).slice(0, 4)).toEqual([
    "postgres",
    "Postgres 19",
    "Other",
    "note d",
  ]);
  expect(markdown).toContain("*matches postgres*");
  expect(markdown).toContain("*by its date alone*");
  expect(printed).toEqual([
    expect.objectContaining({ title: "Postgres 19", source: "in", summary: "One sentence. Two sentences." }),
    expect.objectContaining({ title: "note d" }),
  ]);
  const [first] = printed!;
  expect(markdown).toContain(`· ${first!.id}*`);
  expect(first!.score).toBeGreaterThan(1_000);
  const again = fakeJob(settings(entry), { base, memory: job.finish() });
  expect((await digest.run(again.context)).printed!.map(({ title }) => title)).toEqual(["note c", "note b"]);
});

test("an item of a title alone is its title, and no model is asked", async () => {
  const feed = {
    version: "https://jsonfeed.org/version/1.1",
    title: "F",
    items: [{ id: "1", title: "Only a title" }],
  };
  const { egress } = await localSite({ "/feed": { body: JSON.stringify(feed) } });
  const job = fakeJob(settings({ sources: [{ feed: "https://example.org/feed" }] }), { egress });
  expect(await digest.run(job.context)).toMatchObject({ units: 1 });
  expect(job.asked).toEqual([]);
  expect(job.files.get("digest-2026-11-21.md")).toContain("\n## Only a title\n");
});

test("the quick start makes a digest of 14 items without a network, and names the feed that is cut off", async () => {
  const { name, kind, every, ...entry } = parse(readFileSync(join(EXAMPLE, "afk.yaml"), "utf8")).jobs[0];
  const job = fakeJob(settings(entry), { base: EXAMPLE, name });
  expect(await digest.run(job.context)).toMatchObject({
    units: 14,
    summary: "14 new items; 1 source failed",
  });
  const markdown = job.files.get("digest-2026-11-21.md")!;
  expect(markdown.match(/^\*2026-11-\d\d · [0-9a-z]{6}\*$/gm)).toHaveLength(14);
  expect(markdown).toContain("- Cut-off feed (on purpose): ");
  for (const title of [
    "夜行列車、北の路線で復活",
    "Το νέο κάτοπτρο έφτασε ακέραιο",
    "Längere Öffnungszeiten im großen Haus",
    "The cargo bike is back 🚲",
  ]) {
    expect(markdown).toContain(title);
  }
  expect([kind, every]).toEqual(["digest", "24h"]);
});

test("a digest with nothing new says what it passed over, once", async () => {
  const base = notes(0);
  writeFileSync(join(base, "in", "scan.pdf"), "%PDF");
  const first = fakeJob(settings(FOLDER), { base });
  expect(await digest.run(first.context)).toMatchObject({ units: 0, report: { isNews: true } });
  expect(first.files.get("digest-2026-11-21.md")).toContain("passed over 1 that afk does not read: 1 .pdf");
  writeFileSync(join(base, "in", "other.pdf"), "%PDF");
  const second = fakeJob(settings(FOLDER), { base, memory: first.finish() });
  expect(await digest.run(second.context)).toMatchObject({ units: 0, report: { isNews: false } });
  expect([...second.files]).toEqual([]);
});

const ARTICLE = `<html><body><nav>Menu</nav><article><p>${"The bridge opened on Monday, and many came to see it. ".repeat(10)}</p></article></body></html>`;
const jsonFeed = (items: object[]) =>
  JSON.stringify({ version: "https://jsonfeed.org/version/1.1", title: "F", items });

test("with full_text the article is read where the feed has a teaser, once, and what cannot be read is noted by host", async () => {
  const long = "A whole article of the feed itself, which nobody has to fetch again. ".repeat(30);
  const { egress, requests } = await localSite({
    "/feed": {
      body: jsonFeed([
        { id: "1", title: "Short", url: "https://example.org/short", content_text: "A teaser…" },
        { id: "2", title: "Long", url: "https://example.org/long", content_text: long },
        { id: "3", title: "Gone", url: "https://gone.example.net/x", content_text: "Only this." },
        { id: "4", title: "Gone too", url: "https://gone.example.net/y", content_text: "And this." },
      ]),
    },
    "/short": { body: ARTICLE },
  });
  const entry = settings({ sources: [{ feed: "https://example.org/feed" }], full_text: true });
  const job = fakeJob(entry, { egress });
  await digest.run(job.context);
  expect(requests.map(({ url }) => url)).toEqual(["/feed", "/short", "/x", "/y"]);
  const asked = (title: string) =>
    job.asked.find(({ request }) => request.messages[1]!.content.includes(`"${title}"`))!.request.messages[1]!
      .content;
  expect(asked("Short")).toContain("The bridge opened on Monday");
  expect(asked("Short")).not.toContain("Menu");
  expect(asked("Gone")).toContain("Only this.");
  const markdown = job.files.get("digest-2026-11-21.md")!;
  expect(markdown).toMatch(
    /- gone\.example\.net: the feed's own text stands for the article: .*404 \(and 1 more of it\)\n/,
  );
  const again = fakeJob(entry, { egress, memory: job.memory });
  await digest.run(again.context);
  expect(requests).toHaveLength(4);
  expect(again.files).toEqual(job.files);
});

test("a source's own full_text wins, a host that is not allowed is said, and a halt stops the job", async () => {
  const feed = jsonFeed([{ id: "1", title: "T", url: "https://other.example.net/x", content_text: "Text." }]);
  const page = { url: "", status: 200, contentType: "", charset: null, fromCache: false };
  const fetching = (error: Error) => ({
    fetch: async (url: string) => {
      if (url === "https://example.org/feed") return { ...page, url, body: new TextEncoder().encode(feed) };
      throw error;
    },
  });
  const refused = new AfkError(
    "egress_refused",
    "other.example.net is not in egress.allow; add other.example.net to it",
  );
  const source = { feed: "https://example.org/feed" };
  const off = fakeJob(settings({ sources: [{ ...source, full_text: false }], full_text: true }), {
    egress: fetching(refused),
  });
  await digest.run(off.context);
  expect(off.files.get("digest-2026-11-21.md")).not.toContain("Left out");
  const on = fakeJob(settings({ sources: [{ ...source, full_text: true }] }), { egress: fetching(refused) });
  await digest.run(on.context);
  expect(on.files.get("digest-2026-11-21.md")).toMatch(
    /## Left out\n\n- other\.example\.net: .*add other\.example\.net to it/,
  );
  const halt = new AfkError("killed", "the kill switch is set");
  const halted = fakeJob(settings({ sources: [source], full_text: true }), { egress: fetching(halt) });
  await expect(digest.run(halted.context)).rejects.toBe(halt);
});

test("what is no text of a feed is not summarised", async () => {
  const text =
    "Article URL: https://example.org/a\nComments URL: https://example.org/c\nPoints: 12\n# Comments: 3";
  const { egress } = await localSite({
    "/feed": {
      body: jsonFeed([{ id: "1", title: "A story", url: "https://example.org/a", content_text: text }]),
    },
  });
  const job = fakeJob(settings({ sources: [{ feed: "https://example.org/feed" }] }), { egress });
  await digest.run(job.context);
  expect(job.asked).toEqual([]);
  expect(job.files.get("digest-2026-11-21.md")).not.toMatch(/Points|Comments/);
});
