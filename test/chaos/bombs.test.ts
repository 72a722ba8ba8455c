import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { patience, report } from "../support/chaos.ts";
import { startChild } from "../support/child.ts";
import { contentServer, type Route } from "../support/content-server.ts";
import { tempDir } from "../support/temp.ts";
import type { Blast, Fuse } from "./support/bomb-child.ts";
import {
  type ContentBombs,
  FEED_BOMBS,
  FEED_BYTES,
  FILE_BOMBS,
  FILE_BYTES,
  GITHUB_BOMBS,
} from "./support/content-bombs.ts";
import { PAGES, robotsBombs, wireBombs } from "./support/wire-bombs.ts";

/**
 * How it is measured: a process first collects a harmless body as large as the bound allows, and then a batch of bombs one by
 * one. Memory is the process's peak (VmHWM) over its peak after the harmless body; as a peak never falls, one growth
 * bounds all bombs of the batch together. Time is the process's CPU time, of all its threads, from the start of a bomb
 * to the end of its collection, which a busy machine does not stretch as it does the wall clock.
 */
const GROWTH_BYTES_MAX = 64 * 1024 * 1024;
/** Of a file more is read than of an answer: 16 MiB. */
const GROWTH_OF_FILES_BYTES_MAX = 128 * 1024 * 1024;
const CPU_MS_MAX = 2_000;
const BATCH = 8;

interface Bomb extends Fuse {
  name: string;
  outcome: RegExp;
}

interface Told {
  name: string;
  outcome: string;
  cpuMs: number;
  growthBytes: number;
}

const LIMIT = patience({ test: 180_000, chaos: 180_000 });

test("answers made to burst or to last end at their bounds", { timeout: LIMIT }, async () => {
  const bombs = await wireBombs();
  const routes = Object.fromEntries(Object.entries(bombs).map(([name, [route]]) => [pathOf(name), route]));
  const site = await contentServer({ ...PAGES, ...routes, "/harmless": harmlessFeed() });
  const fuses: Bomb[] = Object.entries(bombs).map(([name, [, outcome]]) => {
    return { name, outcome, kind: "feed", at: site.origin + pathOf(name) };
  });
  for (const [name, [route, outcome]] of Object.entries(robotsBombs(bombs))) {
    const { origin } = await contentServer({ ...PAGES, "/robots.txt": route });
    fuses.push({ name, outcome, kind: "feed", at: `${origin}/feed` });
  }
  await lightAll("answers", { kind: "feed", at: `${site.origin}/harmless` }, fuses);
});

test("feeds made to keep the parser busy are stopped", { timeout: LIMIT }, async () => {
  await lightContents("feeds", "feed", FEED_BOMBS, harmlessFeed());
});

test("answers of an API made to keep the parser busy are stopped", {
  timeout: LIMIT,
}, async () => {
  const release = `{"html_url":"https://example.org/","tag_name":"a","body":"${"words ".repeat(200)}"}`;
  const count = Math.floor(FEED_BYTES / (release.length + 1)) - 1;
  await lightContents("API answers", "github", GITHUB_BOMBS, `[${Array(count).fill(release).join(",")}]`);
});

test("files made to keep the parser busy are stopped", { timeout: LIMIT }, async () => {
  const folder = tempDir();
  const fuses = Object.entries(FILE_BOMBS).map(([name, [content, outcome]]): Bomb => {
    return { name, outcome, kind: "folder", at: folderWith(folder, name, content()) };
  });
  const mail = `From a@example.org Mon Nov  2 08:00:00 2026\nSubject: x\n\n${`${"words ".repeat(12)}\n`.repeat(200)}\n`;
  const harmless = mail.repeat(Math.floor(FILE_BYTES / mail.length));
  await lightAll("files", { kind: "folder", at: folderWith(folder, "harmless.mbox", harmless) }, fuses);
});

test("pages made to keep who selects a part of them busy are cut", { timeout: LIMIT }, async () => {
  const filled = (unit: string, head = "") =>
    head + unit.repeat(Math.floor((FEED_BYTES - 200) / unit.length));
  const first = /^0 items; this is the first look/;
  const bombs: ContentBombs = {
    "a hundred thousand matches": [() => filled('<div class="p"><b>1</b></div>'), first],
    "nothing but beginnings": [() => filled("<div>", "<b class=p>1</b>"), first],
    "nothing but beginnings that match": [() => filled("<div class=p>1"), first],
    "an element with all attributes": [() => filled(' a="b"', "<p class=p>1</p><p").concat(">"), first],
    "attributes that are all different": [
      () => Array.from({ length: 120_000 }, (_, n) => `<p class=p a${n}=${n}>1`).join(""),
      first,
    ],
    "one text": [() => filled("a & b < c ", "<p class=p>"), first],
    "lines of nothing": [() => filled("<br>", "<p class=p>1"), first],
  };
  const routes = Object.entries(bombs).map(([name, [content]]): [string, Route] => [
    pathOf(name),
    (_request, response) => void response.writeHead(200, { "content-type": "text/html" }).end(content()),
  ]);
  const site = await contentServer({ ...Object.fromEntries(routes), "/harmless": harmlessFeed() });
  const fuses = Object.entries(bombs).map(([name, [, outcome]]): Bomb => {
    return { name, outcome, kind: "page", at: site.origin + pathOf(name) };
  });
  await lightAll("pages", { kind: "feed", at: `${site.origin}/harmless` }, fuses);
});

async function lightContents(attack: string, kind: Fuse["kind"], bombs: ContentBombs, harmless: string) {
  // Made for each request and not kept, as all of them together are large.
  const routes = Object.entries(bombs).map(([name, [content]]): [string, Route] => [
    pathOf(name),
    (_request, response) => void response.writeHead(200).end(content()),
  ]);
  const site = await contentServer({ ...Object.fromEntries(routes), "/harmless": harmless });
  const fuses = Object.entries(bombs).map(([name, [, outcome]]): Bomb => {
    return { name, outcome, kind, at: site.origin + pathOf(name) };
  });
  await lightAll(attack, { kind, at: `${site.origin}/harmless` }, fuses);
}

async function lightAll(attack: string, harmless: Fuse, bombs: Bomb[]): Promise<void> {
  const batches = Array.from({ length: Math.ceil(bombs.length / BATCH) }, (_, n) =>
    bombs.slice(n * BATCH, (n + 1) * BATCH),
  );
  const told: Told[] = [];
  // Two at a time, as most of the time of some is waiting; more would wait for each other.
  for (let n = 0; n < batches.length; n += 2) {
    const pair = batches.slice(n, n + 2).map((batch) => lightBatch(harmless, batch));
    told.push(...(await Promise.all(pair)).flat());
  }
  expect(told).toHaveLength(bombs.length);
  const slowest = told.toSorted((a, b) => b.cpuMs - a.cpuMs)[0]!;
  const growthMb = Math.ceil(Math.max(...told.map((each) => each.growthBytes)) / 2 ** 20);
  const time = `at most ${Math.ceil(slowest.cpuMs)} ms of CPU time (${slowest.name})`;
  report(`bombs, ${attack}`, told.length, `${time} and ${growthMb} MiB more memory than harmless ones`);
  for (const [n, { name, outcome }] of told.entries()) expect(outcome, name).toMatch(bombs[n]!.outcome);
  const growthMax = harmless.kind === "folder" ? GROWTH_OF_FILES_BYTES_MAX : GROWTH_BYTES_MAX;
  expect(told.filter((each) => each.cpuMs > CPU_MS_MAX || each.growthBytes > growthMax)).toEqual([]);
}

/** One process: a harmless body, and then the bombs. */
async function lightBatch(harmless: Fuse, bombs: Bomb[]): Promise<Told[]> {
  const script = fileURLToPath(new URL("support/bomb-child.ts", import.meta.url));
  const fuses = [harmless, ...bombs].map(({ kind, at }): Fuse => ({ kind, at }));
  const child = await startChild(script, [tempDir(), JSON.stringify(fuses)]);
  const [baseline, ...blasts] = (await child.go()) as [Blast, ...Blast[]];
  expect(baseline.outcome).toMatch(/^\d{2,} items(?:;|$)/);
  return blasts.map(({ outcome, cpuMs, peakBytes }, n) => {
    return { name: bombs[n]!.name, outcome, cpuMs, growthBytes: peakBytes - baseline.peakBytes };
  });
}

function pathOf(name: string): string {
  return `/${encodeURIComponent(name)}`;
}

function folderWith(parent: string, name: string, content: string): string {
  const folder = join(parent, `${name}-alone`);
  mkdirSync(folder);
  writeFileSync(join(folder, name), content, "latin1");
  return folder;
}

function harmlessFeed(): string {
  const entry = `<item><title>t</title><link>https://example.org/a</link><description>${"words and words ".repeat(80)}</description></item>`;
  const entries = entry.repeat(Math.floor((FEED_BYTES - 200) / entry.length));
  return `<?xml version="1.0"?><rss version="2.0"><channel>${entries}</channel></rss>`;
}
