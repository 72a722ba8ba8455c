import { expect, test } from "vitest";
import { deployment, digestConfig, fillInbox } from "../../support/afk.ts";
import { afk, tick } from "./in-process.ts";

const OFFLINE = { models: { chain: ["extractive"] } };

test("an item is rated by the six characters at it, the latest word counts, and an unknown one is said", async () => {
  const target = deployment(digestConfig("http://127.0.0.1:9", OFFLINE));
  fillInbox(target, 2);
  await tick(target);
  const markdown = Object.values(target.outputs()).find((content) => content.startsWith("# "))!;
  const [, command] = /`(afk rate [0-9a-z]{6} up)`/.exec(markdown)!;
  const [, , id] = command!.split(" ");

  const up = await afk(target, "rate", id!.toUpperCase(), "up");
  expect(up).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^rated up: Title of item-\d\d \(inbox\)\n$/),
  });
  const down = await afk(target, "rate", id!, "down", "--json");
  expect(JSON.parse(down.stdout)).toMatchObject({ id, vote: -1, job: "digest", source: "inbox" });
  expect(target.query("select id, vote from digest_items where vote is not null")).toEqual([
    { id, vote: -1 },
  ]);
  expect(target.query("select title from digest_items")).toHaveLength(2);

  const unknown = await afk(target, "rate", "zzzzzz", "up");
  expect(unknown.code).not.toBe(0);
  expect(unknown.stderr).toContain("no digest of the last 90 days printed an item zzzzzz");
  expect((await afk(target, "rate", id!, "sideways")).code).toBe(2);
});

test("a weekly roll-up is made of what digests printed, without a model", async () => {
  const config = digestConfig("http://127.0.0.1:9", OFFLINE);
  const target = deployment({
    ...config,
    jobs: [...(config.jobs as object[]), { name: "weekly", kind: "rollup", schedule: "0 7 * * 1" }],
  });
  fillInbox(target, 3);
  await tick(target);
  await tick(target, "weekly");
  const [name, markdown] = Object.entries(target.outputs()).find(([file]) => /^weekly-.*\.md$/.test(file))!;
  expect(name).toMatch(/^weekly-\d{4}-/);
  expect(markdown).toMatch(/^# The week to /);
  expect(markdown.match(/^## Title of item-/gm)).toHaveLength(3);
  await tick(target, "weekly");
  expect(Object.keys(target.outputs()).filter((file) => /^weekly-.*\.md$/.test(file))).toHaveLength(1);
});
