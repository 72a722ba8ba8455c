import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { collectFeed } from "../../../../src/jobs/sources/feed/feed.ts";
import { testEgress } from "../../../egress/harness.ts";
import { contentServer } from "../../../support/content-server.ts";
import { tempDir } from "../../../support/temp.ts";

const LARGE = `<rss version="2.0"><channel><title>a</title>${`<item><title>x</title><guid>g</guid><description>${"words ".repeat(100_000)}</description></item>`.repeat(8)}</channel></rss>`;

const collect = async (feed: string, base: string, max_bytes?: number) => {
  const { egress } = await testEgress();
  const context = {
    egress,
    base,
    signal: new AbortController().signal,
    isSeen: async () => new Set<string>(),
  };
  const period = { slotMs: Date.UTC(2026, 10, 21), label: "2026-11-21" };
  return await collectFeed(
    { feed, ...(max_bytes === undefined ? {} : { max_bytes }) },
    { ...context, period },
  );
};

test("a feed above 4 MiB is read where its source allows it, from a file and over the network", async () => {
  const base = tempDir();
  writeFileSync(join(base, "large.xml"), LARGE);
  const site = await contentServer({ "/large": LARGE });
  for (const feed of ["large.xml", `${site.origin}/large`]) {
    await expect(collect(feed, base)).rejects.toThrow(/larger than/);
    expect((await collect(feed, base, 8 * 1024 * 1024)).items.length).toBeGreaterThan(0);
    await expect(collect(feed, base, 1024)).rejects.toThrow(/larger than/);
  }
});
