import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { type SeededRandom, seededRandom } from "../../faults/seeded-random.ts";
import type { Asked, Reply } from "../environment/network.ts";
import type { FaultRates } from "./fault-rates.ts";
import { createStream, type SimulatedItem, type Stream } from "./items.ts";
import { brokenOff, busy, reply, respondWith, SILENCE } from "./replies.ts";

/** Files and folders that stand in for those of the configuration, each with a stream of its own. */
export interface LocalSource {
  path: string;
  kind: "file" | "folder";
}

/** Feeds, repositories and local files, each with items of its own. */
export interface Sources {
  /** Any GET that is nobody else's. */
  answer(asked: Asked): Reply;
  /** Brings the local sources to the present. */
  placeFiles(): void;
}

/** Feeds show their latest. */
const SHOWN = 30;
const FILES_KEPT = 60;
const RSS = { "content-type": "application/rss+xml" };

const FAULT_WEIGHTS = {
  missing: 2,
  failed: 3,
  busy: 2,
  silent: 2,
  broken: 3,
  garbage: 2,
  moved: 1,
  lost: 1,
} as const;

/** Sources whose items follow from the seed and the time. */
export function createSources(
  local: readonly LocalSource[],
  faultRates: FaultRates,
  seed: number,
  clock: { startMs: number; trueMs(): number },
): Sources {
  const random = seededRandom(seed, "sources");
  const streams = new Map<string, Stream>();

  function itemsOf(id: string): readonly SimulatedItem[] {
    let stream = streams.get(id);
    if (stream === undefined) {
      stream = createStream(`s${streams.size + 1}`, seededRandom(seed, `stream ${id}`), clock.startMs);
      streams.set(id, stream);
    }
    return stream.upTo(clock.trueMs());
  }

  function answer(asked: Asked): Reply {
    const { url } = asked;
    const afterMs = random.between(20, 900);
    if (random.chance(faultRates.rate("sources"))) return faultyReply(asked, random, afterMs);
    if (url.pathname === "/robots.txt") return robots(random, afterMs);
    const body = pageOf(url, itemsOf(url.origin + url.pathname).slice(-SHOWN));
    const etag = `"${createHash("sha256").update(body).digest("hex").slice(0, 16)}"`;
    if (asked.headers["if-none-match"] === etag) return reply(respondWith(304, "", { etag }), afterMs);
    const type = url.hostname === "api.github.com" ? "application/json" : "application/rss+xml";
    return reply(respondWith(200, body, { "content-type": type, etag }), afterMs);
  }

  return {
    answer,
    placeFiles() {
      for (const { path, kind } of local) {
        // By its name alone: the folder above it is another one each time.
        const items = itemsOf(basename(path));
        if (kind === "file") write(path, rss(items.slice(-SHOWN)), clock.trueMs());
        else placeFolder(path, items.slice(-FILES_KEPT));
      }
    },
  };
}

function faultyReply({ url }: Asked, random: SeededRandom, afterMs: number): Reply {
  switch (random.weighted(FAULT_WEIGHTS)) {
    case "missing":
      return reply(respondWith(random.of([404, 410, 403]), "gone"), afterMs);
    case "failed":
      return reply(respondWith(random.of([500, 502, 503]), "failed"), afterMs);
    case "busy":
      return reply(busy(random.between(1, 20_000)), afterMs);
    case "silent":
      return SILENCE;
    case "broken":
      return brokenOff(respondWith(200, rss([]).repeat(5), RSS), afterMs, random);
    case "garbage":
      return reply(
        respondWith(200, random.of(["<html><p>Log in", "{{{", "\u0000", "<rss><"]), {
          "content-type": "text/html",
        }),
        afterMs,
      );
    case "moved": {
      const elsewhere = ["https://elsewhere.example/", "::"] as const;
      const location = random.of([`${url.pathname}?moved=${random.below(9)}`, ...elsewhere]);
      return reply(respondWith(random.of([301, 302, 308]), "", { location }), afterMs);
    }
    case "lost":
      return { afterMs, bytes: "", ending: "reset" };
  }
}

function robots(random: SeededRandom, afterMs: number): Reply {
  if (random.chance(0.7)) return reply(respondWith(404), afterMs);
  return reply(respondWith(200, "User-agent: *\nAllow: /\nCrawl-delay: 2\n"), afterMs);
}

function pageOf(url: URL, items: readonly SimulatedItem[]): string {
  return url.hostname === "api.github.com" ? github(url, items) : rss(items);
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
