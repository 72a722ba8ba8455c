import { expect, test } from "vitest";
import type { GithubEvent } from "../../../src/jobs/digest/settings.ts";
import { collectGithub } from "../../../src/jobs/sources/github.ts";
import { localSite } from "../../support/job-context.ts";

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

async function collect(events: GithubEvent[], pages: Record<string, { body: string; status?: number }>) {
  const site = await localSite(pages);
  const context = { egress: site.egress, signal: new AbortController().signal };
  return { site, collected: collectGithub({ github: "octo-org/lamp", events }, context) };
}

const page = (event: GithubEvent) => ({
  [`${REPOSITORY}/${event}?per_page=30`]: { body: JSON.stringify(PAGES[event]) },
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
  const { collected } = await collect(["releases"], { [`${REPOSITORY}/releases?per_page=30`]: answer });
  await expect(collected).rejects.toThrow(expect.objectContaining({ code: "source_unreadable" }));
  await expect(collected).rejects.toThrow(message);
});
