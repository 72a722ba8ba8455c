import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import ipaddr from "ipaddr.js";
import type { DashboardConfig } from "../config/config.ts";
import { isLoopback } from "../config/dashboard-schema.ts";
import { hostMatches } from "../config/hosts.ts";

/** Whether a request may look, or what it is told instead. */
type Access =
  | { type: "granted" }
  /** It brought the token in its address: it gets a cookie, and an address without the token. */
  | { type: "login"; cookie: string; location: string }
  | { type: "refused"; status: 401 | 403; message: string };

type Rules = Pick<DashboardConfig, "bind" | "hosts" | "token">;

const COOKIE = "afk_dashboard";
const COOKIE_SECONDS = 30 * 86_400;

/**
 * A browser can be led by any web page to ask for addresses of this machine, and by a name that is pointed at 127.0.0.1
 * (DNS rebinding) even to read the answers. So the name it asked for must be one of ours, and no other page may ask.
 */
export function checkAccess(headers: IncomingHttpHeaders, url: URL, rules: Rules): Access {
  const host = hostOf(headers.host);
  if (host === null || !isOurName(host.hostname, rules)) {
    return refuse(
      403,
      "This name is not one of the page's own; dashboard.hosts in afk.yaml lists further ones.",
    );
  }
  if (!isOwnPage(headers, host.host)) return refuse(403, "Other pages may not ask for this one.");
  if (rules.token === null) return { type: "granted" };
  const offered = url.searchParams.get("token");
  if (offered !== null) return login(offered, url, rules.token);
  if (hasToken(headers, rules.token)) return { type: "granted" };
  return refuse(
    401,
    "A token is needed: add ?token=… to the address once, or send it as Authorization: Bearer.",
  );
}

function refuse(status: 401 | 403, message: string): Access {
  return { type: "refused", status, message };
}

function hostOf(header: string | undefined): { host: string; hostname: string } | null {
  if (header === undefined || !/^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?$/i.test(header)) return null;
  const url = URL.parse(`http://${header}`);
  return url === null ? null : { host: url.host, hostname: url.hostname.replace(/^\[|\]$/g, "") };
}

/** A literal address cannot be pointed elsewhere by its owner, as a name can. */
function isOurName(name: string, { bind, hosts }: Rules): boolean {
  if (name === "localhost" || hosts.some((pattern) => hostMatches(pattern, name))) return true;
  if (!ipaddr.isValid(name)) return false;
  return !isLoopback(bind) || ipaddr.parse(name).range() === "loopback";
}

/** A link that leads here is fine; a script, an image or a frame of another page is not. */
function isOwnPage(headers: IncomingHttpHeaders, host: string): boolean {
  const { origin } = headers;
  if (origin !== undefined) {
    const url = URL.parse(origin);
    if (url === null || !/^https?:$/.test(url.protocol) || url.host !== host) return false;
  }
  const site = headers["sec-fetch-site"];
  return site === undefined || ["same-origin", "none"].includes(String(site)) || isNavigation(headers);
}

function isNavigation(headers: IncomingHttpHeaders): boolean {
  return headers["sec-fetch-mode"] === "navigate" && headers["sec-fetch-dest"] === "document";
}

function login(offered: string, url: URL, token: string): Access {
  if (!isSame(offered, token)) return refuse(401, "The token is not the right one.");
  const rest = new URLSearchParams(url.searchParams);
  rest.delete("token");
  const query = rest.size === 0 ? "" : `?${rest}`;
  const cookie = `${COOKIE}=${cookieOf(token)}; Max-Age=${COOKIE_SECONDS}; Path=/; HttpOnly; SameSite=Lax`;
  return { type: "login", cookie, location: `${url.pathname}${query}` };
}

function hasToken(headers: IncomingHttpHeaders, token: string): boolean {
  const bearer = /^Bearer +(\S+)$/i.exec(headers.authorization ?? "")?.[1];
  if (bearer !== undefined) return isSame(bearer, token);
  const cookies = (headers.cookie ?? "").split(";").map((each) => each.trim());
  return cookies.some(
    (each) => each.startsWith(`${COOKIE}=`) && isSame(each.slice(COOKIE.length + 1), cookieOf(token)),
  );
}

/** Cookies go to every port of a host, so this one opens the page and does not tell the token. */
function cookieOf(token: string): string {
  return createHmac("sha256", token).update("afk dashboard cookie").digest("base64url");
}

/** Takes as long whatever is wrong with it. */
function isSame(offered: string, expected: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(offered), digest(expected));
}
