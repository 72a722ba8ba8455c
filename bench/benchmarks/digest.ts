import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { type IncomingMessage, request } from "node:http";
import { join } from "node:path";
import type Database from "better-sqlite3";
import type { Agent } from "../../src/agent.ts";
import { readFeed } from "../../src/jobs/sources/feed/feed.ts";
import { createOllama } from "../../src/providers/ollama/ollama.ts";
import { claim } from "../../src/queue/claim.ts";
import type { JobRow } from "../../src/queue/job.ts";
import { publishPending, saveOutputs } from "../../src/queue/publish.ts";
import { saveStep } from "../../src/queue/steps.ts";
import { guard } from "../../src/rails/guard.ts";
import { writeDurably } from "../../src/store/durable-file.ts";
import { keepBallast } from "../../src/store/sqlite/ballast.ts";
import { openBenchAgent } from "../harness/agent.ts";
import type { Benchmark, Tools } from "../harness/benchmark.ts";
import { callNames, callOf } from "../harness/calls.ts";
import { compare, type Side, timeRow } from "../harness/compare.ts";
import { askingModel, localModel, type ModelEndpoint } from "../harness/model.ts";
import { rawDatabase } from "../harness/raw.ts";
import { rawGuard } from "../harness/raw-guard.ts";

const SOURCES = 20;
const ITEMS_EACH = 10;
/** One for each item, and one for the opening. */
const CALLS = SOURCES * ITEMS_EACH + 1;

const ROUNDS = { rounds: 8, operations: 1 };

/**
 * All of a digest but the model's own time: a whole is to be little more than its parts. What each part costs beyond the
 * same by hand is asked elsewhere, and a guarded call alone may take more there (guarded-call) than all of this may here; so
 * the goal is for what is made of the parts, and against parts by hand it is stated.
 */
export const digest: Benchmark = {
  name: "digest",
  question: "What does a digest of 200 items from 20 feeds take, with a model that answers at once?",
  async run(tools) {
    const server = await localModel(tools);
    const subject = whole(tools, server);
    const own = await compare(tools, { baseline: ownParts(tools, server), subject }, ROUNDS);
    const raw = await compare(tools, { baseline: rawParts(tools, server), subject }, ROUNDS);
    return [
      timeRow(
        "one tick that makes it",
        "the sum of its parts: 20 feeds read and parsed, 20 steps saved, 201 requests by afk's client, 201 guarded calls with their completions and lines in the log, two files published",
        own,
        { atMost: 1.3 },
      ),
      timeRow(
        "the same",
        "the same parts by hand: 20 feeds parsed, 20 steps committed, 201 bare requests to the same server on a connection each, 201 calls of two raw transactions with their completions, two files written durably",
        raw,
        null,
      ),
    ];
  },
};

/** A new agent for each, since an agent tells of an item once; opening it, and what a state does once, is not measured. */
function whole(tools: Tools, server: ModelEndpoint): Side {
  let agent: Agent;
  return {
    async prepare() {
      ({ agent } = await openDigestAgent(tools, server));
    },
    async operation() {
      const { units, outputs } = await agent.tick();
      if (units !== SOURCES * ITEMS_EACH || outputs.length !== 2)
        throw new Error(`a digest of ${units} items`);
    },
  };
}

/** What the digest is made of, as afk does it, one after the other. */
function ownParts(tools: Tools, server: ModelEndpoint): Side {
  let agent: Agent;
  let feeds: string[];
  let job: JobRow;
  const provider = createOllama({ name: "ollama", settings: {}, baseUrl: server.url, apiKey: null });
  const names = callNames();
  return {
    async prepare() {
      ({ agent, feeds } = await openDigestAgent(tools, server));
      await agent.enqueue("digest");
      const claimed = await agent.rails.store.atomically((trx) => claim(trx, "runner", Date.now()));
      if (claimed === undefined) throw new Error("no job to save steps for");
      job = claimed;
    },
    async operation() {
      const { db } = agent.rails.store;
      for (const [index, feed] of feeds.entries()) {
        const items = readFeed(readFileSync(feed), "feed").items;
        await saveStep(db, job, `fetch:${index}`, items, Date.now());
      }
      for (let count = 0; count < CALLS; count++) {
        const { signal } = agent.rails.watch;
        await provider.send("bench", BODY, { signal, timeoutMs: 60_000, lastLook: async () => undefined });
        await guard(agent.rails, {
          ...callOf(agent, names()),
          record: (trx) => saveStep(trx, job, `item:${count}`, COMPLETION, Date.now()),
        });
      }
      const files = OUTPUTS.map((name) => ({ name, content: PAGE }));
      await agent.rails.store.atomically((trx) => saveOutputs(trx, job.id, files, Date.now()));
      await publishPending(db, agent.config.paths.out, Date.now());
    },
  };
}

async function openDigestAgent(
  tools: Tools,
  server: ModelEndpoint,
): Promise<{ agent: Agent; feeds: string[] }> {
  const folder = tools.folder();
  const feeds = writeFeeds(folder);
  const sources = feeds.map((feed) => ({ feed }));
  const jobs = [{ name: "digest", kind: "digest", every: "1d", max_items: 200, sources }];
  const agent = await openBenchAgent(tools, { folder, changes: { ...askingModel(server), jobs } });
  // 4 MiB of random bytes, which the first tick of a state would write.
  keepBallast(agent.config.paths.state);
  return { agent, feeds };
}

function rawParts(tools: Tools, server: ModelEndpoint): Side {
  const folder = tools.folder();
  const feeds = writeFeeds(folder);
  let saveRaw: ReturnType<typeof rawStep>;
  let call: ReturnType<typeof rawGuard>;
  const names = callNames();
  return {
    // A new one each time, as the agent's is: a write-ahead log that grows takes longer to sync than one that is used again.
    async prepare() {
      const database = await rawDatabase(tools);
      saveRaw = rawStep(database);
      call = rawGuard(database, ({ requestHash }) => saveRaw(requestHash, JSON.stringify(COMPLETION)));
    },
    async operation() {
      for (const [index, feed] of feeds.entries()) {
        const items = readFeed(readFileSync(feed), "feed").items;
        saveRaw(`fetch:${index}`, JSON.stringify(items));
      }
      for (let count = 0; count < CALLS; count++) {
        await ask(server);
        call({ atMs: Date.now(), ...names() });
      }
      for (const name of OUTPUTS) writeDurably(join(folder, name), PAGE);
    },
  };
}

const COMPLETION = { text: "A summary of two sentences, as they come. ".repeat(5), model: "bench" };
const OUTPUTS = ["digest.md", "digest.html"];
const PAGE = "x".repeat(60_000);
const BODY = JSON.stringify({ model: "bench", messages: [{ role: "user", content: "text ".repeat(80) }] });

/** One request on one new connection, as a provider's is: one that is used again may break and leave its cost unknown. */
async function ask(server: ModelEndpoint): Promise<void> {
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
