import { parseFeed } from "feedsmith";
import { expect, it } from "vitest";
import { sampleResult } from "../delivery/sample.ts";
import { testSite } from "./site.ts";

const job = (deliver: object[]) => ({ name: "digest", kind: "exec", command: ["true"], deliver });

async function siteWith(deliver: object[], dashboard: object = {}) {
  const site = await testSite({ isEmpty: true, sections: { jobs: [job(deliver)], dashboard } });
  const { report } = sampleResult();
  for (const [id, is_news] of [
    ["a", 1],
    ["b", 0],
  ] as const)
    await site.store.db
      .insertInto("results")
      .values({
        ...{ job_id: id, name: "digest", label: "2026-11-29", slot_at: 1, outcome: "done", is_news },
        ...{ report: JSON.stringify(report), created_at: Date.UTC(2026, 10, 29) },
      })
      .execute();
  return site;
}

it("the page serves the feed of the results that its receiver wants", async () => {
  const site = await siteWith([{ to: "feed" }], { url: "https://vm.example.org/" });
  const { status, headers, body } = await site.ask("/feed.xml");
  expect({ status, type: headers["content-type"] }).toEqual({
    status: 200,
    type: "application/atom+xml; charset=utf-8",
  });
  const { feed } = parseFeed(body);
  expect(feed).toMatchObject({ links: [{ href: "https://vm.example.org/feed.xml", rel: "self" }] });
  // An entry leads to the digest itself, and not to the page's front.
  const links = [{ href: "https://vm.example.org/files/digest-2026-11-29.md", rel: "alternate" }];
  expect(feed).toMatchObject({ entries: [{ links }] });
  expect((feed as { entries: unknown[] }).entries).toHaveLength(1);
});

it("a feed of hundreds of kilobytes is served whole", async () => {
  const site = await siteWith([{ to: "feed" }]);
  const { report } = sampleResult({ text: "word ".repeat(3_000) });
  for (let count = 0; count < 30; count++)
    await site.store.db
      .insertInto("results")
      .values({
        ...{ job_id: `c${count}`, name: "digest", label: "x", slot_at: 1, outcome: "done", is_news: 1 },
        ...{ report: JSON.stringify(report), created_at: count },
      })
      .execute();
  const { body } = await site.ask("/feed.xml");
  expect(body.length).toBeGreaterThan(400_000);
  expect((parseFeed(body).feed as { entries: unknown[] }).entries).toHaveLength(31);
});

it("where no job delivers to it there is none", async () => {
  const site = await siteWith([]);
  expect(await site.ask("/feed.xml")).toMatchObject({
    status: 404,
    body: expect.stringContaining("to: feed"),
  });
});

it("under a token it is as closed as the page, and open by a token in its address to readers without cookies", async () => {
  const token = "a-token-of-some-length";
  const site = await siteWith([{ to: "feed" }], { token });
  expect((await site.ask("/feed.xml")).status).toBe(401);
  expect((await site.ask("/feed.xml?token=wrong-token-of-length")).status).toBe(401);
  expect((await site.ask(`/feed.xml?token=${token}`)).status).toBe(200);
  const bearer = await site.ask("/feed.xml", { headers: { authorization: `Bearer ${token}` } });
  expect(bearer.status).toBe(200);
  expect((await site.ask(`/?token=${token}`)).status).toBe(303);
});
