import { readFileSync } from "node:fs";
import { HOUR_MS } from "../../lib/durations.ts";
import { type Deployment, DIGEST } from "../deployment.ts";
import type { Drill, Harness } from "../harness.ts";

const FEED = `<?xml version="1.0"?><rss version="2.0"><channel><title>Drill</title><link>http://127.0.0.1/</link>
<description>For a drill.</description><item><title>The feed is back</title><guid>drill-1</guid>
<description>It answers again, and has one item.</description></item></channel></rss>`;

/** One of two sources is down, then comes back. */
export const sourceDown: Drill = {
  name: "source-down",
  description: "A digest goes out without the source that is down, and names it",
  promise: "One broken feed costs that feed and not the digest, and is not hidden.",
  async run(harness) {
    const down = { status: 503, contentType: "text/plain", content: "down" };
    const page = harness.endpoint.serve("/feed.xml", down);
    const sources = [...DIGEST.sources, { feed: `${harness.endpoint.url}/feed.xml`, name: "Drill feed" }];
    const jobs = [{ ...DIGEST, every: "1h", sources }];
    const deployment = harness.deploy({ jobs, isLoopbackAllowed: true });
    deployment.fillInbox(1);
    const agent = await deployment.open({ clock: harness.clock });

    const read = async (what: string) => {
      const before = page.count;
      const { outcome, outputs } = await agent.tick();
      harness.did(`Ran a tick ${what}.`);
      harness.expect("the feed was asked for", page.count > before, `${page.count - before} times`);
      harness.expect("the tick is ok", outcome === "ok", outcome);
      const file = outputs.find((name) => name.endsWith(".md"));
      harness.expect("a digest came out", file !== undefined, outputs.join(", ") || "nothing");
      return readFileSync(file ?? "", "utf8");
    };
    const without = await read("while one of two sources answered with status 503");
    const isThere = without.includes("Drill item 1");
    harness.expect("the digest has the other source's item", isThere, excerpt(without));
    const isNamed = without.slice(without.indexOf("Failing sources")).includes("Drill feed");
    harness.expect("the digest names the source that is down", isNamed, excerpt(without));
    expectAlert(harness, deployment, "source_failed");

    Object.assign(page, { status: 200, contentType: "application/rss+xml", content: FEED });
    harness.clock.advance(HOUR_MS);
    const back = await read("an hour later on the drill's clock, with the source back");
    harness.expect("the digest has its item", back.includes("The feed is back"), excerpt(back));
    expectAlert(harness, deployment, "source_recovered");
    const modelRequests = harness.endpoint.requests.length;
    Object.assign(harness.figures, { feedRequests: page.count, modelRequests });
  },
};

function expectAlert(harness: Harness, deployment: Deployment, event: string): void {
  const lines = deployment.logged(event);
  const alerts = lines.filter(({ alerted }) => alerted === true).length;
  harness.expect(`${event} is one alert`, alerts === 1, `${alerts} alerts, ${lines.length} lines in the log`);
}

function excerpt(markdown: string): string {
  const headings = [...markdown.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading).join(", ");
  return `a digest of ${markdown.length} characters, with the headings ${headings}`;
}
