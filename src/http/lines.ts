import { after } from "../lib/clock.ts";
import { DAY_MS } from "../lib/durations.ts";
import { AfkError } from "../lib/errors.ts";
import { type ReplyHeaders, requestOnce } from "./once.ts";

/** Bounds of a reply that goes on for as long as the connection stands. */
interface LineLimits {
  signal: AbortSignal;
  /** Of a longer line nothing is taken. */
  lineCharsMax: number;
  /** The connection counts as dead when nothing came for so long. */
  silenceMs: number;
}

/** A refusal: the start of its body. */
interface Refused {
  status: number;
  headers: ReplyHeaders;
  body: string;
}

/** Nothing came for as long as the limits say. */
export class ServerSilent extends AfkError {
  constructor(ms: number) {
    super("server_silent", `the server said nothing for ${Math.round(ms / 1_000)} s`);
  }
}

const ERROR_CHARS_MAX = 4_096;
/** A stream is ended after so much, and asked for anew. */
const STREAM_MS_MAX = DAY_MS;
const STREAM_BYTES_MAX = 64 * 1024 * 1024;

/**
 * Makes one GET and hands each line of the reply to `take`, one after another, until the server ends it. `begun` is called with
 * the headers of a success; a refusal is returned. One connection of its own, which wakes the process for nothing but bytes.
 * @throws ServerSilent, an AfkError of `take`, or RequestLost with any other error as its cause.
 */
export async function readLines(
  address: string,
  { signal: outer, lineCharsMax, silenceMs }: LineLimits,
  begun: (headers: ReplyHeaders) => void,
  take: (line: string) => Promise<void>,
): Promise<Refused | null> {
  const over = new AbortController();
  let isSilent = false;
  const end = () => over.abort(outer.reason);
  outer.addEventListener("abort", end, { once: true });
  if (outer.aborted) end();
  const listen = () =>
    after(silenceMs, () => {
      isSilent = true;
      over.abort();
    });
  let cancel = listen();
  const request = { method: "GET", headers: { "user-agent": "afk" }, body: null, signal: over.signal };
  try {
    return await requestOnce(
      new URL(address),
      { ...request, timeoutMs: STREAM_MS_MAX, bodyBytesMax: STREAM_BYTES_MAX },
      async ({ status, headers, body }) => {
        const isSuccess = status >= 200 && status < 300;
        if (isSuccess) begun(headers);
        const lines = createLines(lineCharsMax);
        let error = "";
        for await (const chunk of body.setEncoding("utf8") as AsyncIterable<string>) {
          cancel();
          cancel = listen();
          if (isSuccess) for (const line of lines(chunk)) await take(line);
          else error += chunk;
          if (error.length > ERROR_CHARS_MAX) break;
        }
        return isSuccess ? null : { status, headers, body: error.slice(0, ERROR_CHARS_MAX) };
      },
    );
  } catch (error) {
    throw isSilent ? new ServerSilent(silenceMs) : error;
  } finally {
    cancel();
    outer.removeEventListener("abort", end);
  }
}

/** The whole lines of text that comes in pieces. */
function createLines(charsMax: number): (piece: string) => string[] {
  let rest = "";
  let isPassedOver = false;
  return (piece) => {
    const lines = (rest + piece).split("\n");
    rest = lines.pop() ?? "";
    const whole = lines.filter((line, index) => !(index === 0 && isPassedOver) && line.length <= charsMax);
    if (lines.length > 0) isPassedOver = false;
    if (rest.length > charsMax) {
      isPassedOver = true;
      rest = "";
    }
    return whole;
  };
}
