import { writeFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { expect, test } from "vitest";
import { pageSettings } from "../../../../src/jobs/sources/page/settings.ts";
import { contentServer, type Route } from "../../../support/content-server.ts";
import { sourceRuns } from "../../../support/source-runs.ts";
import { tempDir } from "../../../support/temp.ts";

const SHOP = (price: string, views = 1) =>
  `<html><head><title>Lamp</title></head><body><nav>Home</nav><h1>Lamp</h1><form><span class="price" data-of="lamp">${price}</span>
   <button>Buy</button></form><p>Updated 12:${views} - ${views} views</p></body></html>`;

async function watched(settings: object, first: Route) {
  const site = await contentServer({ "/lamp": first });
  const { run } = await sourceRuns(v.parse(pageSettings, { page: `${site.origin}/lamp`, ...settings }));
  return { site, run, show: (page: Route) => void Object.assign(site.routes, { "/lamp": page }) };
}

test("the first run remembers the page and says so, the next tells what changed, and then nothing", async () => {
  const { run, show } = await watched({ select: "body" }, SHOP("399 €"));
  const first = await run();
  expect(first).toMatchObject({ items: [], error: null, label: "Lamp" });
  expect(first.notes).toEqual([expect.stringContaining("first look")]);
  show(SHOP("349 €"));
  const { items, notes } = await run();
  expect(notes).toEqual([]);
  expect(items).toMatchObject(
    [{ title: "Lamp: 1 new line, 1 line gone", text: "- 399 €\n+ 349 €" }].map((item) =>
      expect.objectContaining({ title: item.title }),
    ),
  );
  expect(items[0]!.text).toContain("+ 349 €");
  expect(items[0]!.text).toContain("- 399 €");
  expect((await run()).items).toEqual([]);
});

test("what changes back and forth on one day is told of each time", async () => {
  const { run, show } = await watched({ select: ".price" }, SHOP("1"));
  await run();
  const titles: string[] = [];
  for (const price of ["2", "1", "2"]) {
    show(SHOP(price));
    titles.push(...(await run()).items.map(({ text }) => text));
  }
  expect(titles).toEqual(["- 1\n+ 2", "- 2\n+ 1", "- 1\n+ 2"]);
});

test("an item that a job had no room for comes again, and goes when it was had", async () => {
  const { run, show } = await watched({ select: ".price" }, SHOP("1"));
  await run();
  show(SHOP("2"));
  expect((await run(0)).items).toHaveLength(1);
  expect((await run(0)).items).toHaveLength(1);
  expect((await run()).items).toHaveLength(1);
  expect((await run()).items).toEqual([]);
});

test("dates and counters that are named are no change, nor are spaces", async () => {
  const ignore = ["updated #:#", "- # views"];
  const { run, show } = await watched({ select: "body", ignore }, SHOP("399 €"));
  await run();
  show(SHOP("399  €", 77));
  expect((await run()).items).toEqual([]);
  show(SHOP("398 €", 78));
  expect((await run()).items).toHaveLength(1);
});

test("an unchanged page is asked for by its validator, and sent once", async () => {
  let bodies = 0;
  const { run, site } = await watched({ select: ".price" }, (request, response) => {
    const isKnown = request.headers["if-none-match"] === '"a"';
    if (!isKnown) bodies++;
    response
      .writeHead(isKnown ? 304 : 200, { etag: '"a"', "content-type": "text/html" })
      .end(isKnown ? "" : SHOP("1"));
  });
  await run();
  expect((await run()).items).toEqual([]);
  expect(site.paths()).toHaveLength(2);
  expect(bodies).toBe(1);
});

test.each([
  ["an error", { status: 500, body: SHOP("1") }, /answered 500/],
  [
    "a page without the part",
    "<html><title>Lamp</title><p>We moved to a new design</p>",
    /select finds nothing/,
  ],
  [
    "a test for people",
    "<title>Just a moment...</title><p>Checking your browser</p>",
    /notice in place of the page/,
  ],
  [
    "a question about cookies",
    "<title>Lamp</title><p>Before you go on: accept all cookies?</p>",
    /notice in place/,
  ],
  ["an error with status 200", "<title>404 - Page not found</title><p>Sorry</p>", /notice in place/],
  ["a picture", { headers: { "content-type": "image/png" }, body: "x" }, /image\/png/],
  ["an empty answer", "", /select finds nothing/],
])("%s is a failure of the source, and what was known stays known", async (_, page, message) => {
  const { run, show } = await watched({ select: ".price" }, SHOP("399 €"));
  await run();
  show(page);
  const failed = await run().catch((error) => ({ error: error.message, items: [] }));
  expect(failed.items).toEqual([]);
  expect(failed.error).toMatch(message);
  show(SHOP("399 €"));
  expect((await run()).items).toEqual([]);
  show(SHOP("1 €"));
  expect((await run()).items[0]!.text).toBe("- 399 €\n+ 1 €");
});

test("a redirect to a login is a failure of the source", async () => {
  const { run, site, show } = await watched({ select: ".price" }, SHOP("1"));
  await run();
  site.routes["/login"] = SHOP("2");
  show({ status: 302, headers: { location: "/login?next=lamp" } });
  expect((await run()).error).toMatch(/asks for a login/);
});

test("a number is told of when it falls below its limit, once, and again after it was above", async () => {
  const { run, show } = await watched({ select: ".price", number: { below: 300 } }, SHOP("1.299,00 €"));
  const told: string[] = [(await run()).items.map(({ title }) => title).join()];
  for (const price of ["300 €", "299,99 €", "250 €", "350 €", "$299"]) {
    show(SHOP(price));
    told.push((await run()).items.map(({ title }) => title).join());
  }
  expect(told).toEqual(["", "", "Lamp: 299.99, below 300", "", "", "Lamp: 299, below 300"]);
});

test("a limit that is met at the first look is told of", async () => {
  const { run } = await watched({ select: ".price", number: { below: 300 } }, SHOP("199 €"));
  expect((await run()).items).toMatchObject([{ title: "Lamp: 199, below 300" }]);
});

test("small steps are told of when they come to the share that was asked for", async () => {
  const { run, show } = await watched({ select: ".price", number: { changes_by: "5%" } }, SHOP("100"));
  await run();
  const told: string[] = [];
  for (const price of ["102", "104", "106", "107"]) {
    show(SHOP(price));
    told.push((await run()).items.map(({ title }) => title).join());
  }
  expect(told).toEqual(["", "", "Lamp: 106, was 100 (+6 %)", ""]);
});

test("a part without a number is a failure of the source", async () => {
  const { run, show } = await watched({ select: ".price", number: {} }, SHOP("100"));
  await run();
  show(SHOP("Sold out"));
  expect((await run()).error).toMatch(/no number in "Sold out"/);
});

test("a page in another encoding is read as people wrote it", async () => {
  const latin1 = (word: string) => Buffer.from(`<meta charset=iso-8859-1><p id=a>${word}</p>`, "latin1");
  const { run, show } = await watched({ select: "#a" }, { body: latin1("Größe") });
  await run();
  show({ body: latin1("Höhe") });
  expect((await run()).items[0]!.text).toBe("- Größe\n+ Höhe");
});

test("without a selector the article is compared, and a file as it is", async () => {
  const words = "The harbour is open again after the works, and all ferries run as before. ".repeat(8);
  const { run, show } = await watched(
    {},
    `<nav>Menu 1</nav><article><p>${words}</p><p>Wind: weak.</p></article>`,
  );
  await run();
  show(`<nav>Menu 2</nav><article><p>${words}</p><p>Wind: strong.</p></article>`);
  expect((await run()).items[0]!.text).toBe("- Wind: weak.\n+ Wind: strong.");

  const base = tempDir();
  writeFileSync(join(base, "hosts.txt"), "a\nb\n");
  const file = await sourceRuns(v.parse(pageSettings, { page: "hosts.txt" }), { base });
  await file.run();
  writeFileSync(join(base, "hosts.txt"), "a\nc\n");
  expect((await file.run()).items[0]!.text).toBe("- b\n+ c");
});

test("a hostile page is cut to its bounds in time", async () => {
  const nodes = '<div class="p"><b>1</b></div>'.repeat(100_000);
  const deep = "<div>".repeat(20_000);
  for (const page of [
    nodes,
    deep,
    `<p class=p>${"a ".repeat(1_000_000)}`,
    `<p class=p ${"x=y ".repeat(200_000)}>1`,
  ]) {
    const { run, show } = await watched(
      { select: "div > b, body .p, div div div div b", name: "x" },
      `<p class=p>0</p>`,
    );
    await run();
    show(page);
    const before = process.cpuUsage();
    const { items, error } = await run();
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1e6).toBeLessThan(4);
    expect((items[0]?.text ?? error)!.length).toBeLessThanOrEqual(8_000);
  }
});

test.each([
  [{ select: "a ~ b ~ c" }, /at most one ~/],
  [{ select: "" }, /CSS selector/],
  [{ number: { changes_by: "0%" } }, /share/],
  [{ ignore: ["*"] }, /plain texts/],
  [{ page: "ftp://example.org" }, /https/],
])("%j is refused", (settings, message) => {
  const { issues } = v.safeParse(pageSettings, { page: "https://example.org", ...settings });
  expect(issues?.map((issue) => issue.message).join()).toMatch(message);
});
