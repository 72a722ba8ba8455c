import { hash } from "node:crypto";

const LINK_CHARS_MAX = 2_000;
/**
 * Parameters that say where a reader came from, and nothing of what is read: those of campaigns and counters by their names, and
 * such as `source=rss` by what they say.
 */
const TRACKING = new RegExp(
  `^(?:${[
    "(?:utm|mtm|piwik|matomo|hsa)_\\w+|pk_(?:campaign|cpn|kwd|keyword|source|medium|content|cid)|vero_(?:id|conv)|oly_\\w+_id",
    "at_(?:medium|campaign\\w*|custom\\d|link_\\w+|ptr_name|format|bbc_team)|ns_(?:mchannel|source|campaign|linkname|fee)",
    "(?:mc|s|sc)_[ce]id|_hs(?:enc|mi)|__(?:s|hs\\w+)|_(?:ga|gl|openstat|branch_match_id)",
    "fbclid|gclid|gclsrc|gbraid|wbraid|dclid|yclid|ysclid|msclkid|twclid|ttclid|li_fat_id|srsltid|igshid|igsh|rb_clickid|ef_id",
    "mkt_tok|ml_subscriber\\w*|xtor|wt[._]mc(?:_\\w+)?|cmpid|ncid|ftag|guc(?:counter|e_\\w+)|spm|traffic_source",
    "(?:source|src|ref|from|via|partner|emc|cmp|mod)=(?:rss|atom|feed)\\b.*",
  ].join("|")})(?:=|$)`,
  "i",
);

/** 128 bits of SHA-256: short enough for a step name, long enough that two items never share it by accident. */
export function shortHash(content: string | Uint8Array): string {
  return hash("sha256", content).slice(0, 32);
}

/** An absolute http or https address without user name or password, in its one spelling; null for anything else. */
export function safeLink(link: string | undefined, base?: string): string | null {
  if (link === undefined || link.trim() === "") return null;
  const url = URL.parse(link.trim(), base);
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:")) return null;
  if (url.username !== "" || url.password !== "" || url.href.length > LINK_CHARS_MAX) return null;
  return url.href;
}

/** An address of `safeLink` without the parameters that only count readers; the others stay as they are spelled. */
export function withoutTracking(link: string): string {
  const [, start = link, query = "", fragment = ""] = /^([^?#]*)(?:\?([^#]*))?(#.*)?$/s.exec(link) ?? [];
  const kept = query.split("&").filter((parameter) => !TRACKING.test(parameter));
  const isCounted = TRACKING.test(fragment.slice(1));
  return `${start}${kept.join("&") === "" ? "" : `?${kept.join("&")}`}${isCounted ? "" : fragment}`;
}

/** The same for the same page: http or https, with or without `www.` and a slash at the end. */
export function pageOf(link: string): string {
  return link.replace(/^https?:\/\/(?:www\.)?/, "").replace(/\/(?=$|[?#])/, "");
}

/** What tells a thing from all others, whichever source it comes from. All texts are those of the finished item. */
interface Identified {
  link: string | null;
  title: string;
  text: string;
}

/** A bare id such as `17` is unique in its own feed only, so the host of the link, or else the title, goes with it. */
export function identityOf(id: string, { link, title, text }: Identified): string {
  const idAsLink = safeLink(id);
  if (idAsLink !== null) return idAsLink;
  if (/^[a-z][a-z0-9+.-]*:\S/i.test(id) || /^<[^\s@]+@\S+>$/.test(id)) return id;
  if (id !== "") return link === null ? `${id}\n${title}` : `${id}\n${new URL(link).host}`;
  return link ?? `${title}\n${text}`;
}

/**
 * Under these an item is known that its source gives another id at every request. The link must be its own. A page that
 * stays, with a new text of a new day under the same title (a forecast), is a new item.
 */
export function contentKeys(item: Identified & { publishedAt: number | null }): string[] {
  const same = `${item.link === null ? "" : pageOf(item.link)}\n${item.title}`;
  const day = item.publishedAt === null ? "" : new Date(item.publishedAt).toISOString().slice(0, 10);
  return [shortHash(`same day\n${same}\n${day}`), shortHash(`same text\n${same}\n${item.text}`)];
}
