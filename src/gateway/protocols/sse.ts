/** One event of an event stream. */
export interface SseEvent {
  /** The name on its `event:` line; null without one. */
  event: string | null;
  /** Its `data:` lines, joined by line feeds; null for a comment, or an event without data. */
  data: string | null;
}

/** Reads one whole event, as https://html.spec.whatwg.org/multipage/server-sent-events.html says; comments are left out. */
export function parseSse(event: Buffer): SseEvent {
  let name: string | null = null;
  let data: string | null = null;
  for (const line of event.toString("utf8").split(/\r\n|\n|\r/)) {
    const colon = line.indexOf(":");
    const field = colon === -1 ? line : line.slice(0, colon);
    const start = line[colon + 1] === " " ? colon + 2 : colon + 1;
    const value = colon === -1 ? "" : line.slice(start);
    if (field === "event") name = value;
    if (field === "data") data = data === null ? value : `${data}\n${value}`;
  }
  return { event: name, data };
}

const COLON = 0x3a;
const SPACES = new Set([0x20, 0x09, 0x0a, 0x0d]);
const NULL = Buffer.from("null");

/**
 * Makes a test of bytes: whether an event may have this key with another value than null, at any depth. It parses nothing.
 * Inside a JSON string a quote has a backslash before it, so text never looks like a key; a key that is written with escapes is
 * not found, as no server writes it.
 */
export function keyTest(key: string): (event: Buffer) => boolean {
  const quoted = Buffer.from(`"${key}"`);
  return (event) => {
    for (let at = event.indexOf(quoted); at !== -1; at = event.indexOf(quoted, at + quoted.length)) {
      if (!isNullAt(event, at + quoted.length)) return true;
    }
    return false;
  };
}

/** Whether what follows a key is `: null`, or nothing that follows a key at all. */
function isNullAt(event: Buffer, end: number): boolean {
  let at = skipSpaces(event, end);
  if (event[at] !== COLON) return true;
  at = skipSpaces(event, at + 1);
  return event.compare(NULL, 0, NULL.length, at, Math.min(at + 4, event.length)) === 0;
}

function skipSpaces(event: Buffer, from: number): number {
  let at = from;
  while (SPACES.has(event[at] ?? 0)) at += 1;
  return at;
}
