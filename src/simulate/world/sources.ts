import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { type SeededRandom, seededRandom } from "../../faults/seeded-random.ts";
import { HOUR_MS } from "../../lib/durations.ts";
import type { Asked, Reply } from "../environment/network.ts";
import type { FaultRates } from "./fault-rates.ts";
import { failure, respond } from "./replies.ts";

/** Files and folders that stand in for those of the configuration, each with a stream of its own. */
export interface LocalSource {
  path: string;
  kind: "file" | "folder";
}

/** Feeds show their latest. */
const SHOWN = 30;
const FILES_KEPT = 60;
const FAILURES = { failed: 3, refused: 2, busy: 2, silent: 2, broken: 3, garbage: 2, moved: 1, lost: 1 };

/** Feeds, repositories and local files, each with items of its own that follow from the seed and the time. */
export function createSources(
  local: readonly LocalSource[],
  faultRates: FaultRates,
  seed: number,
  trueMs: () => number,
) {
  const random = seededRandom(seed, "sources");
  const startMs = trueMs();
  const streams = new Map<string, ReturnType<typeof createStream>>();

  function itemsOf(id: string): readonly SimulatedItem[] {
    const made = () => createStream(`s${streams.size + 1}`, seededRandom(seed, `stream ${id}`), startMs);
    const stream = streams.get(id) ?? made();
    streams.set(id, stream);
    return stream(trueMs());
  }

  function wellReply({ url, headers }: Asked, afterMs: number): Reply {
    if (url.pathname === "/robots.txt") {
      if (random.chance(0.7)) return respond(afterMs, 404);
      return respond(afterMs, 200, "User-agent: *\nAllow: /\nCrawl-delay: 2\n");
    }
    const isGithub = url.hostname === "api.github.com";
    const items = itemsOf(url.origin + url.pathname).slice(-SHOWN);
    const body = isGithub ? github(url, items) : rss(items);
    const etag = `"${createHash("sha256").update(body).digest("hex").slice(0, 16)}"`;
    if (headers["if-none-match"] === etag) return respond(afterMs, 304, "", { etag });
    const type = isGithub ? "application/json" : "application/rss+xml";
    return respond(afterMs, 200, body, { "content-type": type, etag });
  }

  return {
    /** Any GET that is nobody else's. */
    answer(asked: Asked): Reply {
      const isFailing = random.chance(faultRates.rate("sources"));
      const whole = wellReply(asked, random.between(20, 900));
      return isFailing ? failure(FAILURES, asked.url, whole, random) : whole;
    },
    /** Brings the local sources to the present. */
    placeFiles() {
      for (const { path, kind } of local) {
        // By its name alone: the folder above it is another one each time.
        const items = itemsOf(basename(path));
        if (kind === "file") write(path, rss(items.slice(-SHOWN)), trueMs());
        else placeFolder(path, items.slice(-FILES_KEPT));
      }
    },
  };
}

/** GitHub's releases, commits and issues, as much of each as anybody reads. */
function github(url: URL, items: readonly SimulatedItem[]): string {
  const event = url.pathname.split("/").at(-1);
  return JSON.stringify(
    items.map(({ title, link, text, publishedMs }, index) => {
      const at = new Date(publishedMs).toISOString();
      if (event === "commits")
        return { sha: link, html_url: link, commit: { message: title, committer: { date: at } } };
      if (event === "issues") return { number: index, html_url: link, title, body: text, created_at: at };
      return { html_url: link, name: title, tag_name: "v1", body: text, published_at: at };
    }),
  );
}

function rss(items: readonly SimulatedItem[]): string {
  const entries = items.map(
    ({ title, link, text, publishedMs }) =>
      `<item><title>${title}</title><link>${link}</link><guid>${link}</guid>` +
      `<description>${text}</description><pubDate>${new Date(publishedMs).toUTCString()}</pubDate></item>`,
  );
  return `<?xml version="1.0"?><rss version="2.0"><channel><title>Simulated</title>${entries.join("")}</channel></rss>`;
}

function placeFolder(path: string, items: readonly SimulatedItem[]): void {
  mkdirSync(path, { recursive: true });
  const names = new Map(items.map((item) => [`${item.title.toLowerCase().replace(" ", "-")}.md`, item]));
  const there = new Set(readdirSync(path));
  for (const name of there) if (!names.has(name)) rmSync(join(path, name));
  for (const [name, { title, text, publishedMs }] of names) {
    if (!there.has(name)) write(join(path, name), `# ${title}\n\n${text}\n`, publishedMs);
  }
}

function write(path: string, content: string, atMs: number): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  utimesSync(path, atMs / 1_000, atMs / 1_000);
}

/** One thing that a source tells of. Its title occurs nowhere else, so that a digest can be searched for it. */
interface SimulatedItem {
  title: string;
  link: string;
  text: string;
  publishedMs: number;
}

const FIRST_ITEMS = 3;
const WORDS = "harbour bridge ticket schedule repair meeting budget garden library tender winter ferry".split(
  " ",
);

/** Items that come hour by hour, some sources loud and some quiet. Gives what a source has had to tell so far, the newest last. */
function createStream(
  name: string,
  random: SeededRandom,
  startMs: number,
): (trueMs: number) => readonly SimulatedItem[] {
  const items: SimulatedItem[] = [];
  const share = random.of([0.05, 0.15, 0.4]);
  let hourMs = startMs - FIRST_ITEMS * HOUR_MS;
  const add = () => {
    const title = `Item ${name}n${items.length + 1}`;
    const words = Array.from({ length: random.between(30, 90) }, () => WORDS[random.below(WORDS.length)]);
    const link = `https://items.example/${name}/${items.length + 1}`;
    items.push({ title, link, text: `${words.join(" ")}.`, publishedMs: hourMs });
  };
  return (trueMs) => {
    for (; hourMs <= trueMs; hourMs += HOUR_MS) {
      if (items.length < FIRST_ITEMS) add();
      else if (random.chance(share)) for (let count = random.between(1, 3); count > 0; count--) add();
    }
    return items;
  };
}
