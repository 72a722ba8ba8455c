import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { type IncomingMessage, request } from "node:http";
import { join } from "node:path";
import type Database from "better-sqlite3";
import { type Agent, openAgent } from "../../src/agent.ts";
import { itemsOfFeed } from "../../src/jobs/digest/sources/feed.ts";
import { keepBallast } from "../../src/store/ballast.ts";
import { writeDurably } from "../../src/store/durable-file.ts";
import { writeConfig } from "../harness/agent.ts";
import type { Benchmark, Tools } from "../harness/benchmark.ts";
import { callNames } from "../harness/calls.ts";
import { compare, type Side, timeRow } from "../harness/compare.ts";
import { askingModel, localModel, type ModelServer } from "../harness/model.ts";
import { rawDatabase } from "../harness/raw.ts";
import { rawGuard } from "../harness/raw-guard.ts";

const SOURCES = 20;
const ITEMS_EACH = 10;
/** One for each item, and one for the opening. */
const CALLS = SOURCES * ITEMS_EACH + 1;

/** All of a digest but the model's own time, against its parts done by hand: a whole is to be little more than they. */
export const digest: Benchmark = {
  name: "digest",
  question: "What does a digest of 200 items from 20 feeds take, with a model that answers at once?",
  async run(tools) {
    const server = await localModel(tools);
    const compared = await compare(
      tools,
      { baseline: parts(tools, server), subject: whole(tools, server) },
      { rounds: 8, operations: 1 },
    );
    return [
      timeRow(
        "one tick that makes it",
        "the sum of its parts: 20 feeds parsed, 20 steps committed, 201 calls of two raw transactions with their completions, 201 bare requests to the same server on a connection each, two files written durably",
        compared,
        { atMost: 1.3 },
      ),
    ];
  },
};

/** A new agent for each, since an agent tells of an item once; opening it, and what a state does once, is not measured. */
function whole(tools: Tools, server: ModelServer): Side {
  let agent: Agent;
  return {
    async prepare() {
      const folder = tools.folder();
      const sources = writeFeeds(folder).map((feed) => ({ feed }));
      const config = writeConfig(folder, {
        ...askingModel(server),
        jobs: [{ name: "digest", kind: "digest", every: "1d", max_items: 200, sources }],
      });
      const state = join(folder, "state");
      const opened = await openAgent({ config, state, environment: {} });
      tools.after(() => opened.close());
      // 4 MiB of random bytes, which the first tick of a state would write.
      keepBallast(state);
      agent = opened;
    },
    async operation() {
      const { units, outputs } = await agent.tick();
      if (units !== SOURCES * ITEMS_EACH || outputs.length !== 2)
        throw new Error(`a digest of ${units} items`);
    },
  };
}

function parts(tools: Tools, server: ModelServer): Side {
  const folder = tools.folder();
  const feeds = writeFeeds(folder);
  let saveStep: ReturnType<typeof rawStep>;
  let call: ReturnType<typeof rawGuard>;
  const names = callNames();
  return {
    // A new one each time, as the agent's is: a write-ahead log that grows takes longer to sync than one that is used again.
    async prepare() {
      const database = await rawDatabase(tools);
      saveStep = rawStep(database);
      call = rawGuard(database, ({ requestHash }) => saveStep(requestHash, COMPLETION));
    },
    async operation() {
      for (const [index, feed] of feeds.entries()) {
        const items = itemsOfFeed(readFileSync(feed), "feed");
        saveStep(`fetch:${index}`, JSON.stringify(items));
      }
      for (let count = 0; count < CALLS; count++) {
        await ask(server);
        call({ atMs: Date.now(), ...names() });
      }
      for (const name of ["digest.md", "digest.html"]) {
        writeDurably(join(folder, name), join(folder, `.${name}.part`), "x".repeat(60_000));
      }
    },
  };
}

const COMPLETION = JSON.stringify({
  text: "A summary of two sentences, as they come. ".repeat(5),
  model: "bench",
});
const BODY = JSON.stringify({ model: "bench", messages: [{ role: "user", content: "text ".repeat(80) }] });

/** One request on one new connection, as a provider's is: one that is used again may break and leave its cost unknown. */
async function ask(server: ModelServer): Promise<void> {
  const sent = request(`${server.url}/api/chat`, { method: "POST", agent: false }).end(BODY);
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  response.resume();
  await once(response, "end");
}

/** One step by hand, for a job that is not there: its row and its commit are what is measured. */
function rawStep(database: Database.Database): (name: string, result: string) => void {
  database.pragma("foreign_keys = OFF");
  const insert = database.prepare("insert into steps (job_id, name, result, created_at) values (?, ?, ?, 0)");
  let count = 0;
  return (name, result) => {
    count += 1;
    insert.run(`job-${count}`, name, result);
  };
}

function writeFeeds(folder: string): string[] {
  mkdirSync(join(folder, "feeds"));
  return Array.from({ length: SOURCES }, (_, source) => {
    const path = join(folder, "feeds", `${source}.xml`);
    const items = Array.from({ length: ITEMS_EACH }, (_, item) => feedItem(source, item));
    writeFileSync(
      path,
      `<?xml version="1.0"?><rss version="2.0"><channel><title>Feed ${source}</title>${items.join("")}</channel></rss>`,
    );
    return path;
  });
}

function feedItem(source: number, item: number): string {
  const text = `Ship ${item} of line ${source} is in the harbour. `.repeat(10);
  const link = `https://example.org/${source}/${item}`;
  return `<item><title>Ship ${item} of line ${source}</title><link>${link}</link><guid>${link}</guid><pubDate>Sat, 21 Nov 2026 10:${String(item).padStart(2, "0")}:00 GMT</pubDate><description><![CDATA[<p>${text}</p>]]></description></item>`;
}
