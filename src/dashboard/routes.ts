import type { IncomingMessage } from "node:http";
import { feedText } from "../delivery/files.ts";
import { feedResults } from "../delivery/read-results.ts";
import { unreadableHealth } from "../ops/condition/condition.ts";
import { checkAccess } from "./access.ts";
import { renderMetrics } from "./metrics.ts";
import { renderPage, renderTrouble } from "./page.ts";
import { readFilePage, readJobPage, readTickPage, type Unreadable } from "./pages/read.ts";
import type { Site } from "./view.ts";

/** What a request gets. */
export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

const TEXT = { "content-type": "text/plain; charset=utf-8" };
const PAGE = { "content-type": "text/html; charset=utf-8" };

/** Answers a request. There is no path by which one could change anything. */
export async function answer(
  request: Pick<IncomingMessage, "method" | "url" | "headers">,
  site: Site,
): Promise<Answer> {
  if (request.method !== "GET" && request.method !== "HEAD") {
    return whole(405, "This page only looks: GET and HEAD.\n", { ...TEXT, allow: "GET, HEAD" });
  }
  // The path as it was sent: what URL makes of dots and encodings is none of the few paths there are.
  const target = request.url ?? "";
  const url = target.startsWith("/") ? URL.parse(`http://page${target}`) : null;
  if (url === null) return whole(400, "Not a path.\n", TEXT);
  const access = checkAccess(request.headers, url, site.config.dashboard);
  if (access.type === "refused") {
    const challenge: Record<string, string> = access.status === 401 ? { "www-authenticate": "Bearer" } : {};
    return whole(access.status, `${access.message}\n`, { ...TEXT, ...challenge });
  }
  const route = routeOf(path(target));
  if (route === undefined)
    return whole(
      404,
      "There are /, /jobs/ID, /ticks/ID, /files/NAME, /feed.xml, /healthz and /metrics.\n",
      TEXT,
    );
  // A reader of feeds keeps no cookie.
  if (access.type === "login" && route !== feed) {
    return whole(303, "", { location: access.location, "set-cookie": access.cookie });
  }
  return await route(site, request.headers["if-none-match"]);
}

function path(target: string): string {
  return target.replace(/[?#].*$/s, "");
}

type Route = (site: Site, known?: string) => Promise<Answer>;

/** Of these the last part of the path is a name in the database, and never one in the file system. */
const DETAILS: Readonly<Record<string, (site: Site, word: string) => Promise<string | Unreadable | null>>> = {
  jobs: readJobPage,
  ticks: readTickPage,
  files: readFilePage,
};

function routeOf(wanted: string): Route | undefined {
  if (Object.hasOwn(ROUTES, wanted)) return ROUTES[wanted];
  const [, kind = "", encoded] = /^\/([a-z]+)\/([^/]*)$/.exec(wanted) ?? [];
  const read = Object.hasOwn(DETAILS, kind) ? DETAILS[kind] : undefined;
  const word = decoded(encoded ?? "");
  if (read === undefined || word === null) return undefined;
  return async (site, known) => {
    const tag = await versionTag(site);
    if (known !== undefined && known === tag.etag) return whole(304, "", tag);
    const found = await read(site, word);
    if (found === null) return whole(404, "There is no such thing, or retention has removed it.\n", TEXT);
    if (typeof found === "string") return whole(200, found, { ...PAGE, ...tag });
    return whole(503, `${found.problem}\n`, TEXT);
  };
}

/** Null for what is no text in UTF-8, or is longer than any name. */
function decoded(encoded: string): string | null {
  try {
    return encoded.length > 2_000 ? null : decodeURIComponent(encoded);
  } catch (error) {
    if (error instanceof URIError) return null;
    throw error;
  }
}

const ROUTES: Readonly<Record<string, Route>> = {
  "/": page,
  "/healthz": healthz,
  "/metrics": metrics,
  "/feed.xml": feed,
  "/icon.svg": async () => whole(200, ICON, { "content-type": "image/svg+xml" }),
};

const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#1f3a5f"/><path d="M7 20h4l3-9 4 13 3-8h4" fill="none" stroke="#fff" stroke-width="2.6" stroke-linecap="round" stroke-linejoin="round"/></svg>`;

function whole(status: number, body: string, headers: Record<string, string>): Answer {
  return { status, headers, body };
}

/** With time alone the page changes too: late is news. */
const OUTDATED_MS = 10_000;

/** @param known the version that the client has; its script asks every 2 s. */
async function page(site: Site, known?: string): Promise<Answer> {
  const { config, clock, view } = site;
  const { agent, timezone } = config;
  const nowMs = clock.nowMs();
  const tag = await versionTag(site);
  if (known !== undefined && known === tag.etag) return whole(304, "", tag);
  const found = await view.read();
  if (found.type === "seen") return whole(200, renderPage(found.snapshot), { ...PAGE, ...tag });
  return whole(503, renderTrouble(agent, found.problem, { nowMs, timezone }), PAGE);
}

async function versionTag({ clock, view }: Site): Promise<Record<string, string>> {
  const version = await view.version();
  return version === "" ? {} : { etag: `"${version}-${Math.floor(clock.nowMs() / OUTDATED_MS)}"` };
}

/** What `afk health --json` prints, under a status that a monitor understands. */
async function healthz({ view }: Site): Promise<Answer> {
  const found = await view.read();
  const health = found.type === "seen" ? found.snapshot.health : unreadableHealth(found.problem);
  const headers = { "content-type": "application/json; charset=utf-8" };
  return whole(health.isHealthy ? 200 : 503, `${JSON.stringify(health)}\n`, headers);
}

/** The same as `out/feed.xml`, of this moment. */
async function feed({ view, clock }: Site): Promise<Answer> {
  const found = await view.look(async (db, config) => {
    const isFed = config.jobs.some(({ deliver }) => deliver.some(({ target }) => target.type === "feed"));
    const { agent, dashboard } = config;
    return { agent, dashboard, results: isFed ? await feedResults(db, config) : null };
  });
  if (found.type === "unreadable") return whole(503, `${found.problem}\n`, TEXT);
  const { results, ...told } = found.value;
  if (results === null)
    return whole(404, "No job of afk.yaml delivers to the feed: deliver: [{ to: feed }]\n", TEXT);
  const xml = feedText(results, told, clock.nowMs());
  return whole(200, xml, { "content-type": "application/atom+xml; charset=utf-8" });
}

async function metrics({ view }: Site): Promise<Answer> {
  const found = await view.read();
  if (found.type === "unreadable") return whole(503, `${found.problem}\n`, TEXT);
  const { contentType, text } = await renderMetrics(found.snapshot);
  return whole(200, text, { "content-type": contentType });
}
