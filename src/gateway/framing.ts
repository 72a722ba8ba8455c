import { AfkError } from "../lib/errors.ts";

/** How a stream is cut into what belongs together: events that an empty line ends, or lines. */
export type Framing = "sse" | "ndjson";

/** No honest event is longer than this. */
const EVENT_BYTES_MAX = 16 * 1024 * 1024;

const [LF, CRLF] = ["\n\n", "\r\n\r\n"];

/** One event or line of a stream is longer than any honest one. */
export class EventTooLong extends AfkError {
  constructor() {
    super("event_too_long", `it sent an event of more than ${EVENT_BYTES_MAX} bytes`);
  }
}

/**
 * Cuts a stream into whole events. `take` is shown each one without its end, and says whether the client gets it; what
 * comes out are the bytes as they came in.
 */
export class Framer {
  readonly #framing: Framing;
  readonly #take: (event: Buffer) => "pass" | "hide";
  /** What has come of an event that is not whole. */
  #rest: Buffer[] = [];
  #restBytes = 0;

  constructor(framing: Framing, take: (event: Buffer) => "pass" | "hide") {
    this.#framing = framing;
    this.#take = take;
  }

  /** The whole events up to here that the client gets. @throws EventTooLong */
  push(chunk: Buffer): Buffer[] {
    const overlap = this.#framing === "sse" ? 3 : 0;
    const isWhole = this.#rest.length === 0;
    // The end of an event may stand across two pieces.
    const tail = isWhole ? null : lastBytes(this.#rest, overlap);
    const seen = tail === null ? chunk : Buffer.concat([tail, chunk]);
    if (this.#endOf(seen, 0) === null) return this.#keep(chunk);
    const bytes = isWhole ? chunk : Buffer.concat([...this.#rest, chunk]);
    this.#rest = [];
    this.#restBytes = 0;
    const passed: Buffer[] = [];
    let from = 0;
    let runStart = 0;
    for (let end = this.#endOf(bytes, from); end !== null; end = this.#endOf(bytes, from)) {
      if (this.#take(bytes.subarray(from, end.at)) === "hide") {
        if (from > runStart) passed.push(bytes.subarray(runStart, from));
        runStart = end.behind;
      }
      from = end.behind;
    }
    if (from > runStart) passed.push(bytes.subarray(runStart, from));
    if (from < bytes.byteLength) this.#keep(bytes.subarray(from));
    return passed;
  }

  /** At the end of the stream: a last event whose own end is missing. */
  flush(): Buffer[] {
    if (this.#restBytes === 0) return [];
    const last = Buffer.concat(this.#rest);
    this.#rest = [];
    this.#restBytes = 0;
    return this.#take(last) === "pass" ? [last] : [];
  }

  #keep(bytes: Buffer): Buffer[] {
    this.#restBytes += bytes.byteLength;
    if (this.#restBytes > EVENT_BYTES_MAX) throw new EventTooLong();
    this.#rest.push(bytes);
    return [];
  }

  #endOf(bytes: Buffer, from: number): { at: number; behind: number } | null {
    if (this.#framing === "ndjson") return found(bytes.indexOf(0x0a, from), 1);
    const lf = bytes.indexOf(LF, from, "latin1");
    // Nobody mixes the two; only where there is none of the first the second is looked for.
    if (lf !== -1) {
      const crlf = bytes.subarray(from, lf).indexOf(CRLF, 0, "latin1");
      return crlf === -1 ? found(lf, LF.length) : found(from + crlf, CRLF.length);
    }
    return found(bytes.indexOf(CRLF, from, "latin1"), CRLF.length);
  }
}

function found(at: number, length: number): { at: number; behind: number } | null {
  return at === -1 ? null : { at, behind: at + length };
}

function lastBytes(parts: readonly Buffer[], count: number): Buffer | null {
  if (count === 0) return null;
  const last = parts.at(-1);
  if (last !== undefined && last.byteLength >= count) return last.subarray(-count);
  const all = Buffer.concat(parts.slice(-count));
  return all.subarray(-count);
}
