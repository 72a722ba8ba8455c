import * as v from "valibot";
import { expect, test } from "vitest";
import type { Config } from "../../../src/config/config.ts";
import type { PrintedItem } from "../../../src/jobs/printed-items.ts";
import { rollup } from "../../../src/jobs/rollup/rollup.ts";
import { type FakeJob, fakeJob } from "../../support/job-context.ts";

type Settings = Parameters<typeof rollup.run>[0]["settings"];
const settings = (entry: object = {}) => v.parse(rollup.settings, entry) as Settings;

const SLOT = Date.UTC(2026, 10, 30, 7);

const printed = (key: string, change: Partial<PrintedItem> = {}): PrintedItem => ({
  id: `id-${key}`,
  job: "digest",
  key,
  label: "2026-11-24",
  title: `Title ${key}`,
  link: `https://example.org/${key}`,
  source: "Harbour Works",
  summary: `What ${key} says.`,
  publishedAt: SLOT - 86_400_000,
  score: null,
  vote: null,
  ratedAt: null,
  ...change,
});

const run = async (items: PrintedItem[], entry: object = {}, memory?: FakeJob<Settings>["memory"]) => {
  const job = fakeJob(settings(entry), {
    name: "weekly",
    label: "2026-11-30",
    slotMs: SLOT,
    printed: items,
    ...(memory && { memory }),
    answer: () => ({ text: "It was a week." }),
  });
  const result = await rollup.run(job.context);
  const markdown = job.files.get("weekly-2026-11-30.md") ?? "";
  return {
    job,
    result,
    markdown,
    titles: [...markdown.matchAll(/^## \[(.*?)\]/gm)].map((match) => match[1]),
  };
};

test("what was rated up comes first, then the highest score, then the newest; what was rated down is left out", async () => {
  const { result, markdown, titles } = await run([
    printed("old", { publishedAt: SLOT - 5 * 86_400_000 }),
    printed("new"),
    printed("high", { score: 2_340, source: "Night Trains" }),
    printed("bad", { vote: -1, ratedAt: SLOT }),
    printed("good", { vote: 1, ratedAt: SLOT }),
  ]);
  expect(titles).toEqual(["Title good", "Title high", "Title new", "Title old"]);
  expect(markdown).toMatch(/^# The week to Monday 30 November\n\n> It was a week\./);
  expect(markdown).toContain("\n4 of 5 items that digests printed. About 1 minute to read.\n");
  expect(markdown).toContain("\nWhat good says.\n\n*you rated it up*\n");
  expect(markdown).toContain("*score 2.3*");
  expect(markdown).toContain(
    "## By source\n\n- Harbour Works: 4 items, 1 rated up, 1 rated down\n- Night Trains: 1 item\n",
  );
  expect(markdown).toContain("## Left out\n\n- rated down: 1 item\n");
  expect(result).toMatchObject({
    units: 1,
    summary: "4 items",
    report: { title: "The week to Monday 30 November: 4 new items", isNews: true, text: "It was a week." },
  });
});

test("the same item or address of two digests is said once, and not in the next roll-up again", async () => {
  const items = [
    printed("a", { job: "digest" }),
    printed("a", { job: "team-news", vote: 1, ratedAt: SLOT }),
    printed("b", { link: "https://example.org/a" }),
    printed("c", { link: null }),
  ];
  const first = await run(items);
  expect(first.titles).toEqual(["Title a"]);
  expect(first.markdown).toContain("\n## Title c\n");
  const second = await run([...items, printed("d")], {}, first.job.finish());
  expect(second.titles).toEqual(["Title d"]);
});

test("an address that a roll-up had comes in no later one, though another digest has it since under another key", async () => {
  const first = await run([printed("a")]);
  const again = printed("z", { job: "team-news", link: "https://example.org/a" });
  const second = await run([again, printed("a"), printed("d")], {}, first.job.finish());
  expect(second.titles).toEqual(["Title d"]);
});

test("a run that crashed and goes on asks nothing again and writes the same bytes, whatever was rated meanwhile", async () => {
  const first = await run([printed("a"), printed("b")]);
  const second = await run([printed("a", { vote: -1, ratedAt: SLOT })], {}, first.job.memory);
  expect(second.job.asked).toEqual([]);
  expect(second.job.files).toEqual(first.job.files);
});

test("where nothing was printed nothing is published and no model is asked", async () => {
  const { job, result } = await run([]);
  expect(result).toMatchObject({ units: 0, summary: "nothing printed", report: { isNews: false } });
  expect(job.files.size + job.asked.length).toBe(0);
});

test("holds max_items, and says how many are behind", async () => {
  const { titles, markdown } = await run([printed("a"), printed("b"), printed("c")], { max_items: 2 });
  expect(titles).toHaveLength(2);
  expect(markdown).toContain("- lower scores: 1 item, as a roll-up holds 2 (max");
});

test("names a digest that is none", () => {
  const config = {
    jobs: [
      { name: "digest", kind: "digest" },
      { name: "script", kind: "exec" },
    ],
  } as Config;
  expect(rollup.check!(settings({ of: ["digest", "script", "gone"] }), config)).toEqual([
    { path: "of[1]", message: "there is no job script of kind digest; write the name of one" },
    { path: "of[2]", message: "there is no job gone of kind digest; write the name of one" },
  ]);
});
