/** The rules of a robots.txt for one crawler. */
interface RobotsRules {
  rules: RobotsRule[];
  /** `Crawl-delay` in milliseconds; not part of RFC 9309, but asked for by many. */
  crawlDelayMs: number | null;
}

interface RobotsRule {
  allows: boolean;
  /** The normalised pattern's literal parts; between two of them anything may stand. */
  parts: string[];
  /** The pattern ended in `$`: it must match to the end. */
  isAnchored: boolean;
  /** Octets of the normalised pattern. */
  length: number;
}

/**
 * Reads a robots.txt (RFC 9309) for a crawler with this product token. All groups that name it are one; without any, all
 * groups for `*` are. Lines that are not understood are skipped and end no group. A product token in the file ends at
 * the first character that cannot be in one, so that `afk/1.0` and `AFK Reader` mean afk, and `afk2` does not.
 */
export function parseRobots(text: string, productToken: string): RobotsRules {
  const own: Group = { isNamed: false, rules: [], crawlDelayMs: null };
  const everyones: Group = { isNamed: false, rules: [], crawlDelayMs: null };
  let current = new Set<Group>();
  let isNamingAgents = false;
  for (const { name, value } of readLines(text)) {
    if (name === "user-agent") {
      if (!isNamingAgents) current = new Set();
      isNamingAgents = true;
      const token = /^(?:\*(?!\S)|[a-z_-]+(?![a-z0-9_-]))/i.exec(value)?.[0].toLowerCase();
      if (token === "*") current.add(everyones);
      if (token === productToken.toLowerCase()) current.add(own);
      for (const group of current) group.isNamed = true;
    } else if (name === "allow" || name === "disallow") {
      isNamingAgents = false;
      // An empty pattern matches nothing: `Disallow:` allows everything.
      if (value !== "") for (const group of current) group.rules.push(toRule(name === "allow", value));
    } else if (name === "crawl-delay" && /^\d{1,6}(\.\d+)?$/.test(value)) {
      for (const group of current)
        group.crawlDelayMs = Math.max(group.crawlDelayMs ?? 0, Number(value) * 1000);
    }
  }
  const { rules, crawlDelayMs } = own.isNamed ? own : everyones;
  return { rules, crawlDelayMs };
}

/**
 * Whether a path with its query (`/a?b`) may be fetched: the longest matching pattern decides, `allow` where two are equal.
 * Tens of thousands of patterns for an address of kilobytes are not worth the seconds that they take: it is then forbidden.
 */
export function isPathAllowed({ rules }: RobotsRules, path: string): boolean {
  const subject = normalize(path, { isPattern: false });
  if (subject === "/robots.txt") return true;
  let best = { allows: true, length: -1 };
  const work = { steps: 0 };
  for (const rule of rules) {
    const isStronger = rule.length > best.length || (rule.length === best.length && rule.allows);
    if (isStronger && matches(rule, subject, work)) best = rule;
    if (work.steps > STEPS_MAX) return false;
  }
  return best.allows;
}

/** About a third of a second; 30,000 patterns with stars take a tenth of it for an address of a hundred characters. */
const STEPS_MAX = 50_000_000;

interface Group {
  isNamed: boolean;
  rules: RobotsRule[];
  crawlDelayMs: number | null;
}

/** `name: value` lines without comments. Some files forget the colon, and `disallow /` can only mean one thing. */
function* readLines(text: string): Generator<{ name: string; value: string }> {
  for (const line of text.replace(/^\uFEFF/, "").split(/\r\n|\r|\n/)) {
    const content = line.replace(/#.*$/s, "").trim();
    const colon = content.indexOf(":");
    const [name, value, ...more] =
      colon < 0 ? content.split(/\s+/) : [content.slice(0, colon), content.slice(colon + 1)];
    if (name !== undefined && value !== undefined && more.length === 0) {
      yield { name: name.trim().toLowerCase(), value: value.trim() };
    }
  }
}

function toRule(allows: boolean, value: string): RobotsRule {
  const pattern = normalize(value, { isPattern: true });
  const isAnchored = pattern.endsWith("$");
  const parts = (isAnchored ? pattern.slice(0, -1) : pattern).split(/\*+/);
  return { allows, parts, isAnchored, length: pattern.length };
}

/** Leftmost matches of the parts in turn: no part is looked for twice, whatever the file holds. */
function matches({ parts, isAnchored }: RobotsRule, subject: string, work: { steps: number }): boolean {
  const [first = "", ...rest] = parts;
  if (!subject.startsWith(first)) return false;
  const last = isAnchored ? rest.pop() : undefined;
  let at = first.length;
  for (const part of rest) {
    const found = subject.indexOf(part, at);
    // The search looks at some characters again for a part that nearly matches everywhere.
    work.steps += ((found < 0 ? subject.length : found) - at) * (1 + part.length / 16);
    if (found < 0) return false;
    at = found + part.length;
  }
  if (!isAnchored) return true;
  if (last === undefined) return at === subject.length;
  return subject.length - last.length >= at && subject.endsWith(last);
}

/**
 * One spelling for patterns and paths (RFC 9309, section 2.2.2): what RFC 3986 does not allow as it is gets percent-encoded,
 * unreserved characters get decoded, hexadecimal digits are upper case. In a query `: / ? @` mean themselves either
 * way, so they are decoded there. `*` and `$` of a path are encoded, and so differ from those with a meaning in a pattern.
 */
function normalize(text: string, { isPattern }: { isPattern: boolean }): string {
  let isQuery = false;
  const normalized = text.replace(/%[0-9a-f]{2}|[\s\S]/giu, (piece) => {
    if (piece.length === 3 && piece.startsWith("%")) {
      const decoded = String.fromCharCode(Number.parseInt(piece.slice(1), 16));
      const isSame = UNRESERVED.test(decoded) || (isQuery && /[:/?@]/.test(decoded));
      return isSame ? decoded : piece.toUpperCase();
    }
    if (piece === "?") isQuery = true;
    if (piece === "*") return isPattern ? piece : "%2A";
    if (piece === "$") return "%24";
    return UNRESERVED.test(piece) || RESERVED.test(piece) || piece === "%" ? piece : percentEncode(piece);
  });
  return isPattern && text.endsWith("$") ? `${normalized.slice(0, -3)}$` : normalized;
}

const UNRESERVED = /^[A-Za-z0-9\-._~]$/;
const RESERVED = /^[:/?#[\]@!&'()+,;=]$/;

function percentEncode(piece: string): string {
  return Array.from(
    Buffer.from(piece, "utf8"),
    (byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`,
  ).join("");
}
