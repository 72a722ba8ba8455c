import { expect, test } from "vitest";
import { shortHash } from "../../../../src/jobs/items/identity.ts";
import { groupItems, selectNew } from "../../../../src/jobs/items/select.ts";
import { collectGithub } from "../../../../src/jobs/sources/github/github.ts";
import type { GithubEvent } from "../../../../src/jobs/sources/github/settings.ts";
import { localSite } from "../../../support/job-context.ts";

const REPOSITORY = "/repos/octo-org/lamp";
const PAGES = {
  releases: [
    {
      html_url: "https://github.com/octo-org/lamp/releases/tag/v2",
      name: "Bright",
      tag_name: "v2",
      body: "- dims\n- glows",
      published_at: "2026-11-03T08:00:00Z",
    },
    {
      html_url: "https://github.com/octo-org/lamp/releases/tag/v1",
      name: "",
      tag_name: "v1",
      body: null,
      published_at: "2026-11-01T08:00:00Z",
    },
  ],
  commits: [
    {
      sha: "0123456789abcdef",
      html_url: "https://github.com/octo-org/lamp/commit/0123456789abcdef",
      commit: { message: "Dim slowly\n\nEyes adapt.", committer: { date: "2026-11-02T08:00:00Z" } },
    },
  ],
  issues: [
    {
      number: 7,
      html_url: "https://github.com/octo-org/lamp/issues/7",
      title: "Flickers",
      body: "At 50 %",
      created_at: "2026-11-04T08:00:00Z",
    },
    {
      number: 8,
      html_url: "https://github.com/octo-org/lamp/pull/8",
      title: "Fix",
      body: "",
      created_at: "2026-11-05T08:00:00Z",
      pull_request: {},
    },
  ],
};

async function collect(
  events: GithubEvent[],
  pages: Record<string, { body: string; status?: number }>,
  { seen = [], ...bounds }: { seen?: string[]; max_items?: number } = {},
) {
  const site = await localSite(pages);
  const isSeen = async (keys: string[]) => new Set(keys.filter((key) => seen.includes(key)));
  const context = { egress: site.egress, signal: new AbortController().signal, isSeen };
  return { site, collected: collectGithub({ github: "octo-org/lamp", events, ...bounds }, context) };
}

const page = (event: keyof typeof PAGES) => ({
  [`${REPOSITORY}/${event}?per_page=100`]: { body: JSON.stringify(PAGES[event]) },
});

test("reads releases, by name or by tag", async () => {
  const { site, collected } = await collect(["releases"], page("releases"));
  expect((await collected).items).toMatchObject([
    {
      title: "octo-org/lamp Bright",
      text: "- dims\n- glows",
      publishedAt: Date.UTC(2026, 10, 3, 8),
      source: "octo-org/lamp",
    },
    { title: "octo-org/lamp v1", text: "", link: "https://github.com/octo-org/lamp/releases/tag/v1" },
  ]);
  expect(site.requests[0]!.headers).toMatchObject({
    accept: "application/vnd.github+json",
    "x-github-api-version": "2022-11-28",
  });
});

test("reads commits", async () => {
  const { collected } = await collect(["commits"], page("commits"));
  expect((await collected).items).toMatchObject([
    {
      title: "octo-org/lamp 0123456: Dim slowly",
      text: "Dim slowly\n\nEyes adapt.",
      publishedAt: Date.UTC(2026, 10, 2, 8),
    },
  ]);
});

test("reads issues and leaves pull requests out", async () => {
  const { collected } = await collect(["issues"], page("issues"));
  expect((await collected).items).toMatchObject([
    { title: "octo-org/lamp issue 7: Flickers", text: "At 50 %" },
  ]);
});

test("several events come together, newest first", async () => {
  const { collected } = await collect(["releases", "commits", "issues"], {
    ...page("releases"),
    ...page("commits"),
    ...page("issues"),
  });
  expect((await collected).items.map((item) => item.title.slice(14))).toEqual([
    "issue 7: Flickers",
    "Bright",
    "0123456: Dim slowly",
    "v1",
  ]);
});

test.each([
  ["an error page", { status: 502, body: "<html>" }, /answered 502/],
  ["no JSON", { body: "<html>" }, /did not answer with JSON/],
  ["other JSON", { body: '{"message":"Moved"}' }, /something else/],
  ["an entry without an address", { body: '[{"tag_name":"v1"}]' }, /0\.html_url/],
])("refuses %s", async (_, answer, message) => {
  const { collected } = await collect(["releases"], { [`${REPOSITORY}/releases?per_page=100`]: answer });
  await expect(collected).rejects.toThrow(expect.objectContaining({ code: "source_unreadable" }));
  await expect(collected).rejects.toThrow(message);
});

/** Releases of a repository under this name, newest first. */
const releases = (name: string, numbers: number[]) =>
  numbers.map((number) => ({
    id: number,
    html_url: `https://github.com/${name}/releases/tag/v${number}`,
    tag_name: `v${number}`,
    name: null,
    body: "Words.",
    published_at: new Date(Date.UTC(2026, 0, 1) + number * 3_600_000).toISOString(),
  }));

const answerOf = (entries: object[]) => ({
  [`${REPOSITORY}/releases?per_page=100`]: { body: JSON.stringify(entries) },
});

test("a repository that was renamed has nothing new, whether this version or an earlier one remembers", async () => {
  const before = await (await collect(["releases"], answerOf(releases("octo-org/lamp", [2, 1])))).collected;
  const after = await (await collect(["releases"], answerOf(releases("new-org/light", [2, 1])))).collected;
  expect(after.items.map(({ key }) => key)).toEqual(before.items.map(({ key }) => key));
  const addresses = [2, 1].map((n) => shortHash(`https://github.com/octo-org/lamp/releases/tag/v${n}`));
  expect(before.items.map(({ aliases = [] }) => aliases[0])).toEqual(addresses);
  // Earlier versions remembered the address, and the owner's file has the former name.
  const { chosen } = selectNew(groupItems([after.items]), new Set(addresses), 30);
  expect(chosen).toEqual([]);
});

test("leaves out HTML comments and drafts, and says what is a pre-release", async () => {
  const [first, second, third, fourth] = releases("octo-org/lamp", [4, 3, 2, 1]);
  const entries = [
    { ...first, body: "<!-- generated -->\r\n\r\n## Changes\r\n* Dims <!-- by hand" },
    { ...second, draft: true, published_at: null },
    { ...third, prerelease: true, body: "<!-- nothing else -->" },
    {
      ...fourth,
      name: "  ",
      published_at: null,
      created_at: "2026-01-01T01:00:00Z",
      body: "Write `<!-- x -->`.",
    },
  ];
  const { collected } = await collect(["releases"], answerOf(entries));
  expect((await collected).items).toMatchObject([
    { title: "octo-org/lamp v4", text: "## Changes\n* Dims" },
    { title: "octo-org/lamp v2 (pre-release)", text: "" },
    { title: "octo-org/lamp v1", text: "Write `<!-- x -->`.", publishedAt: Date.UTC(2026, 0, 1, 1) },
  ]);
});

const numbers = (from: number, to: number) =>
  Array.from({ length: from - to + 1 }, (_, index) => from - index);

test("follows the pages as far as max_items, and says that there are more", async () => {
  const pages = {
    [`${REPOSITORY}/releases?per_page=100`]: {
      body: JSON.stringify(releases("octo-org/lamp", numbers(500, 401))),
    },
    [`${REPOSITORY}/releases?per_page=100&page=2`]: {
      body: JSON.stringify(releases("octo-org/lamp", numbers(400, 301))),
    },
    [`${REPOSITORY}/releases?per_page=100&page=3`]: {
      body: JSON.stringify(releases("octo-org/lamp", numbers(300, 290))),
    },
  };
  const { collected, site } = await collect(["releases"], pages);
  const { items, notes } = await collected;
  expect([items.length, items[0]!.title, items.at(-1)!.title]).toEqual([
    200,
    "octo-org/lamp v500",
    "octo-org/lamp v301",
  ]);
  expect(notes).toEqual([
    "only the newest 200 releases were read, and there are more (max_items can be raised)",
  ]);
  expect(site.requests).toHaveLength(2);
  // Once the oldest of them was in a digest, nothing is missing behind it.
  const again = await collect(["releases"], pages, { seen: [items.at(-1)!.key] });
  expect((await again.collected).notes).toEqual([]);
  const all = await (await collect(["releases"], pages, { max_items: 1000 })).collected;
  expect([all.items.length, all.notes]).toEqual([211, []]);
  const few = {
    [`${REPOSITORY}/releases?per_page=5`]: { body: JSON.stringify(releases("octo-org/lamp", [9, 8])) },
  };
  expect((await (await collect(["releases"], few, { max_items: 5 })).collected).items).toHaveLength(2);
});
