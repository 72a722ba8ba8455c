import { after } from "../lib/clock.ts";
import { joinSignals } from "../lib/signals.ts";
import { type HttpReply, type HttpRequest, withoutUserinfo } from "./exchange.ts";

/** Bounds of a reply that goes on for as long as the connection stands. */
interface LineLimits {
  signal: AbortSignal;
  /** A longer line is passed over whole. */
  lineBytesMax: number;
  /** The connection counts as dead when nothing came for so long. */
  silenceMs: number;
}

/** What the reply begins with; `error` is the start of its body where the status is no success. */
interface Begun {
  headers: Headers;
  error: HttpReply | null;
}

const ERROR_CHARS_MAX = 4_096;

/**
 * Makes one request and hands each line of the reply to `take`, one after another, until the server ends it. `begun` is called
 * once, with its head. Throws what fetch throws, a TimeoutError after `silenceMs`, or what `take` throws.
 */
export async function readLines(
  request: HttpRequest,
  { signal: outer, lineBytesMax, silenceMs }: LineLimits,
  begun: (head: Begun) => void,
  take: (line: string) => Promise<void>,
): Promise<void> {
  const silence = new AbortController();
  const expire = () => silence.abort(new DOMException(`nothing came for ${silenceMs} ms`, "TimeoutError"));
  let cancel = after(silenceMs, expire);
  using joined = joinSignals([outer, silence.signal]);
  try {
    const { url, authorization } = withoutUserinfo(request.url);
    const { ofetch } = await import("ofetch");
    const response = await ofetch.raw(url.href, {
      method: request.method,
      retry: 0,
      ignoreResponseError: true,
      responseType: "stream",
      headers: { ...authorization, "user-agent": "afk", ...request.headers },
      redirect: "manual",
      signal: joined.signal,
    });
    const { status, headers } = response;
    const isSuccess = status >= 200 && status < 300;
    if (isSuccess) begun({ headers, error: null });
    const decoder = new TextDecoder();
    let text = "";
    let isPassedOver = false;
    for await (const chunk of (response._data ?? []) as AsyncIterable<Uint8Array>) {
      cancel();
      cancel = after(silenceMs, expire);
      text += decoder.decode(chunk, { stream: true });
      if (!isSuccess) {
        if (text.length > ERROR_CHARS_MAX) break;
        continue;
      }
      const lines = text.split("\n");
      text = lines.pop() ?? "";
      for (const line of lines) {
        if (!isPassedOver && line.length <= lineBytesMax) await take(line);
        isPassedOver = false;
      }
      if (text.length > lineBytesMax) {
        isPassedOver = true;
        text = "";
      }
    }
    if (!isSuccess) begun({ headers, error: { status, body: text.slice(0, ERROR_CHARS_MAX) } });
    else if (!isPassedOver && text !== "") await take(text);
  } finally {
    cancel();
  }
}
