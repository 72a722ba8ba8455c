import * as v from "valibot";
import { expect, test } from "vitest";
import { forgejoSettings } from "../../../src/jobs/sources/forgejo/settings.ts";
import { checkGithub, githubSettings } from "../../../src/jobs/sources/github/settings.ts";
import { gitlabKind } from "../../../src/jobs/sources/gitlab/kind.ts";
import { gitlabSettings } from "../../../src/jobs/sources/gitlab/settings.ts";
import { contentServer, type Route } from "../../support/content-server.ts";
import { sourceRuns } from "../../support/source-runs.ts";

const TOKEN = "a-token-of-somebody-0123456789";
const AT = "2026-11-20T06:00:00Z";
const WEB = "https://github.com/octo-org/lamp";
const REPO = "/repos/octo-org/lamp";

const json =
  (value: unknown): Route =>
  (_request, response) =>
    void response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(value));

/** Answers by what the query says. */
const byQuery =
  (answers: Record<string, unknown>): Route =>
  ({ path }, response) => {
    const query = decodeURIComponent(path.split("?")[1] ?? "");
    const [, value] = Object.entries(answers).find(([part]) => query.includes(part)) ?? [];
    response.writeHead(value === undefined ? 422 : 200).end(JSON.stringify(value ?? {}));
  };

async function github(routes: Record<string, Route>, settings: object) {
  const site = await contentServer(routes);
  const { run } = await sourceRuns(
    v.parse(githubSettings, { github: "octo-org/lamp", api: site.origin, token: TOKEN, ...settings }),
  );
  return { site, run };
}

const authorizations = (site: { requests: { headers: Record<string, unknown> }[] }) =>
  new Set(site.requests.map(({ headers }) => headers.authorization));

test("GitHub: pull requests, failed runs and reviews, with the token at each request and no robots.txt", async () => {
  const pull = {
    id: 1,
    number: 8,
    html_url: `${WEB}/pull/8`,
    title: "Dim",
    body: "Slowly.",
    created_at: AT,
    updated_at: AT,
  };
  const { site, run } = await github(
    {
      [`${REPO}/pulls`]: json([pull, { ...pull, id: 2, number: 9, draft: true }]),
      [`${REPO}/actions/runs`]: json({
        total_count: 1,
        workflow_runs: [
          {
            id: 5,
            run_attempt: 2,
            run_number: 31,
            name: "test",
            display_title: "Dim",
            html_url: `${WEB}/actions/runs/5`,
            head_branch: "main",
            event: "push",
            updated_at: AT,
          },
        ],
      }),
      "/search/issues": byQuery({
        "review-requested:@me": { items: [{ ...pull, id: 3, number: 10 }] },
        "author:@me": { items: [pull] },
      }),
      [`${REPO}/pulls/8/reviews`]: json([
        {
          id: 7,
          html_url: `${WEB}/pull/8#r7`,
          state: "CHANGES_REQUESTED",
          body: "No.",
          submitted_at: AT,
          user: { login: "octo-reviewer" },
        },
        { id: 8, html_url: `${WEB}/pull/8#r8`, state: "PENDING", body: "", submitted_at: null },
      ]),
    },
    { events: ["pull_requests", "failed_runs", "reviews"] },
  );
  const { items, error } = await run();
  expect(error).toBe(null);
  expect(items.map(({ title }) => title).toSorted()).toEqual([
    "octo-org/lamp draft pull request 9: Dim",
    "octo-org/lamp pull request 8: Dim",
    "octo-org/lamp pull request 8: octo-reviewer asks for changes",
    "octo-org/lamp run failed: test 31 on main",
    "octo-org/lamp your review is asked for: pull request 10: Dim",
  ]);
  const origin = { type: "github", repository: "octo-org/lamp", number: 8, thing: "pull_request" };
  expect(items.filter(({ title }) => title.includes("request 8")).map((item) => item.origin)).toEqual([
    origin,
    origin,
  ]);
  expect(authorizations(site)).toEqual(new Set([`Bearer ${TOKEN}`]));
  expect(site.requests.map(({ path }) => path)).not.toContain("/robots.txt");
});

test("GitHub: notifications of all repositories, and one comes again when something new came to it", async () => {
  const thread = {
    id: "12",
    reason: "review_requested",
    updated_at: AT,
    subject: { title: "Dim", type: "PullRequest", url: "https://api.github.com/repos/octo-org/lamp/pulls/8" },
    repository: { full_name: "octo-org/lamp", html_url: WEB },
  };
  const { site, run } = await github({ "/notifications": json([thread]) }, { github: "notifications" });
  expect((await run()).items).toMatchObject([
    { title: "octo-org/lamp pull request: Dim", link: `${WEB}/pull/8`, text: "Why: review requested." },
  ]);
  site.routes["/notifications"] = json([{ ...thread, updated_at: "2026-11-20T09:00:00Z" }]);
  const [again] = (await run()).items;
  expect(again?.publishedAt).toBe(Date.UTC(2026, 10, 20, 9));
});

test("a token goes to its own host alone: not to where a redirect leads, nor back from there", async () => {
  const other = await contentServer({
    "/stolen": { status: 302, headers: { location: "http://127.0.0.1:1/" } },
  });
  const { site, run } = await github(
    { [`${REPO}/releases`]: { status: 301, headers: { location: "/repositories/1/releases" } } },
    {},
  );
  site.routes["/repositories/1/releases"] = { status: 302, headers: { location: `${other.origin}/stolen` } };
  other.routes["/stolen"] = { status: 302, headers: { location: `${site.origin}/back` } };
  site.routes["/back"] = json([]);
  const { error } = await run();
  expect(error).toBe(null);
  expect(other.requests.map(({ headers }) => headers.authorization)).toEqual([undefined]);
  expect(
    site.requests.map(({ path, headers }) => [path.split("?")[0], headers.authorization !== undefined]),
  ).toEqual([
    [`${REPO}/releases`, true],
    ["/repositories/1/releases", true],
    ["/back", false],
  ]);
});

test.each([
  [401, undefined, /token is not valid any more or may not read it/],
  [404, undefined, /does not exist, or the token/],
])("status %i says what may be wrong, and nothing of the token", async (status, _, message) => {
  const { run } = await github({ [`${REPO}/releases`]: { status } }, {});
  const { error } = await run();
  expect(error).toMatch(message);
  expect(error).not.toContain(TOKEN);
});

test("a rate limit that is used up is waited for, and the host is left in peace until then", async () => {
  const reset = String(Math.floor(Date.now() / 1000) + 3_600);
  const limited = { status: 403, headers: { "x-ratelimit-remaining": "0", "x-ratelimit-reset": reset } };
  const { site, run } = await github({ [`${REPO}/releases`]: limited }, {});
  for (const _ of [1, 2])
    await expect(run()).rejects.toMatchObject({
      code: "sources_down",
      retry: { afterMs: expect.any(Number) },
    });
  expect(site.paths()).toHaveLength(1);
});

test("GitLab: releases, issues and merge requests of a project in groups", async () => {
  const path = "/api/v4/projects/octo-group%2Fsub%2Flamp";
  const entry = {
    id: 4,
    iid: 2,
    title: "Flickers",
    description: "At 50 Hz",
    web_url: "https://gitlab.example.org/2",
    created_at: AT,
  };
  const site = await contentServer({
    [`${path}/releases`]: json([
      { tag_name: "v2", name: "Bright", description: "Glows.", released_at: AT },
      { tag_name: "v3", upcoming_release: true },
    ]),
    [`${path}/issues`]: json([entry]),
    [`${path}/merge_requests`]: json([{ ...entry, id: 5, iid: 3 }]),
  });
  const settings = {
    gitlab: "octo-group/sub/lamp",
    url: site.origin,
    token: TOKEN,
    events: ["releases", "issues", "merge_requests"],
  };
  const { run } = await sourceRuns(v.parse(gitlabSettings, settings));
  const { items, error } = await run();
  expect(error).toBe(null);
  expect(items.map(({ title }) => title).toSorted()).toEqual([
    "octo-group/sub/lamp Bright",
    "octo-group/sub/lamp issue 2: Flickers",
    "octo-group/sub/lamp merge request 3: Flickers",
  ]);
  expect(new Set(site.requests.map(({ headers }) => headers["private-token"]))).toEqual(new Set([TOKEN]));
  expect(site.requests.at(-1)!.path).toContain("state=opened&per_page=100");
});

test("Forgejo: releases, issues and pull requests", async () => {
  const entry = {
    id: 4,
    number: 2,
    title: "Flickers",
    body: "At 50 Hz",
    html_url: "https://forge.example.org/2",
    created_at: AT,
  };
  const site = await contentServer({
    "/api/v1/repos/octo-org/lamp/releases": json([
      {
        id: 1,
        tag_name: "v2",
        name: "Bright",
        body: "",
        html_url: "https://forge.example.org/r",
        published_at: AT,
      },
    ]),
    "/api/v1/repos/octo-org/lamp/issues": json([entry]),
    "/api/v1/repos/octo-org/lamp/pulls": json([{ ...entry, id: 5, number: 3 }]),
  });
  const settings = {
    forgejo: "octo-org/lamp",
    url: `${site.origin}/`,
    token: TOKEN,
    events: ["releases", "issues", "pull_requests"],
  };
  const { run } = await sourceRuns(v.parse(forgejoSettings, settings));
  expect((await run()).items.map(({ title }) => title).toSorted()).toEqual([
    "octo-org/lamp Bright",
    "octo-org/lamp issue 2: Flickers",
    "octo-org/lamp pull request 3: Flickers",
  ]);
  expect(authorizations(site)).toEqual(new Set([`token ${TOKEN}`]));
});

test("what asks for a token, and an address at which anybody could read it, is refused", () => {
  const check = (settings: object) =>
    checkGithub(v.parse(githubSettings, { github: "octo-org/lamp", ...settings }))
      .map(({ message }) => message)
      .join();
  expect(check({ events: ["reviews"] })).toMatch(/reviews are those of a token's owner/);
  expect(check({ github: "notifications" })).toMatch(/notifications are those/);
  expect(check({ token: TOKEN, api: "http://github.example.org/api/v3" })).toMatch(/not encrypted/);
  expect(check({ token: TOKEN, api: "https://github.example.org/api/v3", events: ["reviews"] })).toBe("");
  const open = v.parse(gitlabSettings, { gitlab: "a/b", url: "http://gitlab.example.org", token: TOKEN });
  expect(gitlabKind.check?.(open, {} as never)).toHaveLength(1);
});
