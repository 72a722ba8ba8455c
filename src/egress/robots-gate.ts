import type { Clock } from "../lib/clock.ts";
import { DAY_MS, MINUTE_MS } from "../lib/durations.ts";
import type { Db } from "../store/schema.ts";
import { EgressFailed, EgressRefused, HostBusy } from "./errors.ts";
import { TooManyRedirects } from "./redirect.ts";
import { isPathAllowed, parseRobots } from "./robots.ts";
import { describeUrl } from "./url.ts";

/** RFC 9309, section 2.5, asks for at least 500 KiB. */
export const ROBOTS_BYTES_MAX = 512_000;
const PRODUCT_TOKEN = "afk";
const FRESH_MS = DAY_MS;
/** A host whose robots.txt could not be read is asked again after this long; until then nothing of it is fetched. */
const UNREACHABLE_MS = 15 * MINUTE_MS;
const CRAWL_DELAY_MAX_MS = 30_000;

interface Robots {
  verdict: "rules" | "allow" | "disallow";
  body: string;
  fetched_at: number;
}

/**
 * The text of a body that was read for up to one byte more than the bound: what goes beyond it is left out, and so is the line
 * that the bound cuts, which might allow more than it was meant to.
 */
export function robotsText(body: Uint8Array): string {
  if (body.byteLength <= ROBOTS_BYTES_MAX) return new TextDecoder().decode(body);
  const end = Math.max(body.lastIndexOf(LINE_FEED), body.lastIndexOf(CARRIAGE_RETURN));
  return new TextDecoder().decode(body.subarray(0, end + 1));
}

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/**
 * Passes when robots.txt lets afk fetch `url`; gives the crawl delay in milliseconds that it asks for, at most 30 s, or 0. The
 * rules of an origin are kept for at most a day; `load` fetches the text of an address, with redirects.
 * @throws EgressRefused when the rules forbid it; EgressFailed when they cannot be read (RFC 9309 then forbids everything).
 */
export async function checkRobots(
  { db, clock }: { db: Db; clock: Clock },
  url: URL,
  load: (robotsUrl: string) => Promise<string>,
): Promise<number> {
  const robots =
    (await findFresh(db, url.origin, clock.nowMs())) ?? (await fetchAndKeep(db, clock, url, load));
  if (robots.verdict === "allow") return 0;
  if (robots.verdict === "disallow")
    throw unreachable(url, robots.fetched_at + UNREACHABLE_MS - clock.nowMs());
  const rules = parseRobots(robots.body, PRODUCT_TOKEN);
  if (!isPathAllowed(rules, `${url.pathname}${url.search}`)) {
    throw new EgressRefused(
      `${url.origin}/robots.txt forbids ${describeUrl(url)}; leave this source out, or ask its owner to allow ${PRODUCT_TOKEN}`,
    );
  }
  return Math.min(rules.crawlDelayMs ?? 0, CRAWL_DELAY_MAX_MS);
}

async function findFresh(db: Db, origin: string, nowMs: number): Promise<Robots | null> {
  const row = await db.selectFrom("robots").selectAll().where("origin", "=", origin).executeTakeFirst();
  if (row === undefined) return null;
  const ageMs = nowMs - row.fetched_at;
  const isFresh = ageMs >= 0 && ageMs < (row.verdict === "disallow" ? UNREACHABLE_MS : FRESH_MS);
  return isFresh ? row : null;
}

async function fetchAndKeep(
  db: Db,
  clock: Clock,
  url: URL,
  load: (robotsUrl: string) => Promise<string>,
): Promise<Robots> {
  const verdict = await fetchVerdict(`${url.origin}/robots.txt`, load);
  const nowMs = clock.nowMs();
  const robots = { ...verdict, fetched_at: nowMs };
  await db
    .insertInto("robots")
    .values({ origin: url.origin, ...robots })
    .onConflict((on) => on.column("origin").doUpdateSet(robots))
    .execute();
  await db
    .deleteFrom("robots")
    .where("fetched_at", "<", nowMs - FRESH_MS)
    .execute();
  return robots;
}

/**
 * RFC 9309, section 2.3.1. Unavailable (4xx, or redirected without end) allows everything; unreachable (5xx, network) forbids
 * everything. A host that asks not to be called (429) has not said what it allows: that is for later, as it is for pages.
 */
async function fetchVerdict(
  robotsUrl: string,
  load: (robotsUrl: string) => Promise<string>,
): Promise<Pick<Robots, "verdict" | "body">> {
  try {
    return { verdict: "rules", body: await load(robotsUrl) };
  } catch (error) {
    if (!(error instanceof EgressFailed) || error instanceof HostBusy) throw error;
    const isUnavailable = error.status !== null && error.status >= 400 && error.status <= 499;
    return { verdict: isUnavailable || error instanceof TooManyRedirects ? "allow" : "disallow", body: "" };
  }
}

function unreachable(url: URL, afterMs: number): EgressFailed {
  return new EgressFailed(
    `${url.origin}/robots.txt could not be read, so nothing of this host may be fetched for now; it is asked again later`,
    { retry: { afterMs: Math.max(afterMs, 0) }, isDown: true },
  );
}
