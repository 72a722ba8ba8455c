import { expect, test } from "vitest";
import type { Config } from "../../../src/config/config.ts";
import { savePrinted } from "../../../src/jobs/printed-items.ts";
import type { WithStore } from "../../../src/ops/doctor/check.ts";
import { articleHosts } from "../../../src/runner/job/article-hosts.ts";
import { fakeClock } from "../../support/fake-clock.ts";
import { testStore } from "../../support/store.ts";

async function found(fullText: boolean, allow: string[]) {
  const store = await testStore();
  const clock = fakeClock();
  const links = ["https://a.example/1", "https://b.example/1", "https://b.example/2", null];
  const items = links.map((link, n) => ({
    id: `item-${n}`,
    key: `${n}`,
    title: "t",
    link,
    source: "s",
    summary: "",
    publishedAt: null,
    score: null,
  }));
  await store.atomically((trx) => savePrinted(trx, { name: "brief", label: "l" }, items, clock.nowMs() - 1));
  const settings = { sources: [{ feed: "https://example.org/feed" }], fullText };
  const config = {
    jobs: [{ name: "brief", kind: "digest", settings }],
    egress: { allow },
  } as unknown as Config;
  return [await articleHosts({ config, store, clock } as unknown as WithStore)].flat();
}

test("names the hosts whose articles were not read, those with the most first", async () => {
  expect(await found(true, ["example.org"])).toMatchObject([
    {
      result: "warn",
      found: "job brief: articles of the last 30 days were not read at b.example (2), a.example (1)",
    },
  ]);
});

test("is content where all are allowed, and silent where no articles are read", async () => {
  expect(await found(true, ["a.example", "b.example"])).toMatchObject([{ result: "ok" }]);
  expect(await found(false, [])).toEqual([]);
});
