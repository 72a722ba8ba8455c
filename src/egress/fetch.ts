import { isLoopbackHost } from "../config/hosts.ts";
import { MINUTE_MS } from "../lib/durations.ts";
import { createConnect } from "./connect.ts";
import { EgressFailed, EgressRefused, HostBusy } from "./errors.ts";
import { createHttpCache } from "./http-cache.ts";
import { askedWaitMs, createRateLimit } from "./rate-limit.ts";
import { followRedirects, isRedirect } from "./redirect.ts";
import { checkRobots, ROBOTS_BYTES_MAX, robotsText } from "./robots-gate.ts";
import { type Answer, createTransport, type EgressOptions, type Exchange } from "./transport.ts";
import type { Egress, FetchOptions, Page } from "./types.ts";
import { checkUrl, describeUrl } from "./url.ts";

/** What a job may add to a request. Nothing here identifies a person or grants access. */
const CALLER_HEADERS = new Set(["accept-language", "x-github-api-version"]);

/** What one fetch may take: the network time that is left to it, and the length of its answer. */
interface FetchBudget {
  signal: AbortSignal | undefined;
  leftMs: number;
  bytesMax: number;
  /** robots.txt is not asked. */
  isApi: boolean;
}

/** The only client for content: GET, to allowed hosts at permitted addresses, as robots.txt and the host's pace permit. */
export function createEgress(options: EgressOptions): Egress & { close(): void } {
  const { db, pages = db, config, clock, log } = options;
  const transport = createTransport(options);
  const { limits } = transport;
  const rateLimit = createRateLimit(db, clock);
  const cache = createHttpCache(pages, clock);
  const check = (url: string) => checkUrl(url, config);

  const connect = createConnect(config, options.resolve);
  const openMailbox: Egress["openMailbox"] = async (access, signal) => {
    // Loaded when a job reads mail: most read none.
    const { readMailbox } = await import("./imap/read-mailbox.ts");
    return await readMailbox(access, { connect, signal });
  };

  return { fetch: fetchPage, openMailbox, close: transport.close };

  async function fetchPage(
    text: string,
    { signal, accept, headers, bytesMax = limits.bytesMax, isApi = false, credential }: FetchOptions = {},
  ): Promise<Page> {
    const budget: FetchBudget = { signal, leftMs: limits.timeoutMs, bytesMax, isApi };
    const wanted = { accept: accept ?? "*/*", ...callerHeaders(headers) };
    const { origin } = check(text);
    // What has once led elsewhere may lead back, to an address of another's choice.
    let isAtHome = true;
    const { url, answer } = await followRedirects(text, check, (hop) => {
      isAtHome &&= hop.origin === origin;
      return visit(hop, { ...wanted, ...(isAtHome && credentialFor(hop, credential)) }, budget);
    });
    log.event("debug", "page_fetched", {
      url: describeUrl(url),
      status: answer.page.status,
      bytes: answer.page.body.byteLength,
      fromCache: answer.page.fromCache,
    });
    return answer.page;
  }

  /** One hop, its address already checked. The order is the courtesy: rules, then pace, then what we have already. */
  async function visit(
    url: URL,
    wanted: Record<string, string>,
    budget: FetchBudget,
  ): Promise<Answer & { page: Page }> {
    const crawlDelayMs = budget.isApi
      ? 0
      : await checkRobots({ db: pages, clock }, url, (robotsUrl) => loadRobots(robotsUrl, budget));
    await rateLimit.waitForSlot(url.hostname, Math.max(intervalMs(), crawlDelayMs), budget.signal);
    const kept = await cache.find(url);
    const headers = { ...wanted, ...kept?.validators };
    const answer = await get(url, budget, { headers, bytesMax: budget.bytesMax, onExcess: "fail" });
    if (answer.status === 304) {
      const message = `${describeUrl(url)} answered 304, but nothing of it is kept`;
      if (kept === null) throw new EgressFailed(message, { status: 304 });
      await cache.confirm(url);
      const type = readContentType(kept.contentType);
      return { ...answer, page: { url: url.href, status: 200, ...type, body: kept.body, fromCache: true } };
    }
    await cache.keep(url, answer);
    const { status, headers: sent, body } = answer;
    const type = readContentType(sent["content-type"] ?? "");
    return { ...answer, page: { url: url.href, status, ...type, body, fromCache: false } };
  }

  async function loadRobots(robotsUrl: string, budget: FetchBudget): Promise<string> {
    const { answer } = await followRedirects(robotsUrl, check, async (url) => {
      await rateLimit.waitForSlot(url.hostname, intervalMs(), budget.signal);
      const headers = { accept: "text/plain, */*;q=0.5" };
      return get(url, budget, { headers, bytesMax: ROBOTS_BYTES_MAX + 1, onExcess: "cut" });
    });
    if (!isSuccess(answer.status))
      throw new EgressFailed(`${robotsUrl} answered ${answer.status}`, { status: answer.status });
    return robotsText(answer.body);
  }

  /** One request within the budget's time. Gives 2xx, redirects and 304; all else is thrown. */
  async function get(
    url: URL,
    budget: FetchBudget,
    rest: Pick<Exchange, "headers" | "bytesMax" | "onExcess">,
  ): Promise<Answer> {
    if (budget.leftMs <= 0)
      throw new EgressFailed(`${describeUrl(url)} could not be fetched: it took too long`);
    const startedMs = clock.uptimeMs();
    const exchange = { ...rest, timeoutMs: budget.leftMs, signal: budget.signal };
    const answer = await transport.get(url, exchange).finally(() => {
      budget.leftMs -= clock.uptimeMs() - startedMs;
    });
    const waitMs = askedWaitMs(answer.status, answer.headers, clock.nowMs());
    if (waitMs !== null) {
      await rateLimit.pushBack(url.hostname, waitMs);
      const wait = `${url.hostname} asks not to be called for ${Math.ceil(waitMs / 1000)} s`;
      const message = `${describeUrl(url)} answered ${answer.status}: ${wait}`;
      throw new HostBusy(message, waitMs, { status: answer.status });
    }
    if (isSuccess(answer.status) || isRedirect(answer.status) || answer.status === 304) return answer;
    throw new EgressFailed(`${describeUrl(url)} answered ${answer.status}`, { status: answer.status });
  }

  function intervalMs(): number {
    return MINUTE_MS / config.requestsPerMinute;
  }
}

/** @throws EgressRefused where anybody on the network could read it. */
function credentialFor(hop: URL, credential: FetchOptions["credential"]): Record<string, string> {
  if (credential === undefined) return {};
  if (hop.protocol !== "https:" && !isLoopbackHost(hop.hostname))
    throw new EgressRefused(
      `${describeUrl(hop)} is not encrypted, and no credential is sent to it; write https://`,
    );
  return { [credential.header]: credential.value };
}

function isSuccess(status: number): boolean {
  return status >= 200 && status <= 299;
}

function callerHeaders(headers: Record<string, string> = {}): Record<string, string> {
  const entries = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const);
  for (const [name] of entries) {
    if (!CALLER_HEADERS.has(name)) {
      throw new EgressRefused(
        `the request header ${name} may not be set; a job may set ${[...CALLER_HEADERS].join(", ")}`,
      );
    }
  }
  return Object.fromEntries(entries);
}

/** Servers write spaces where there should be none, and both kinds of quotes. */
function readContentType(header: string): Pick<Page, "contentType" | "charset"> {
  const charset = /;\s{0,9}charset\s{0,9}=[\s"']{0,9}([^\s"';,]{1,40})/i.exec(header)?.[1] ?? null;
  return {
    contentType: header
      .replace(/[;,].*$/s, "")
      .trim()
      .toLowerCase(),
    charset,
  };
}
