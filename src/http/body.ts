import type { Readable } from "node:stream";
import { withoutCodings } from "./coding.ts";

/** Room for a usual reply; so little is taken from what Node has allocated already. */
const FIRST_BYTES = 4_000;

/** The decoded body is larger than the bound. */
class BodyTooLarge extends Error {
  constructor(bytesMax: number) {
    super(`its body is larger than afk reads (more than ${bytesMax} bytes)`);
  }
}

/** How much of a body is read, and how. */
interface BodyLimits {
  bytesMax: number;
  /** Whether a larger body is an error or is cut at the bound. */
  onExcess: "fail" | "cut";
  signal: AbortSignal;
  /** Its Content-Encoding; undone unless it is left out. */
  encoding?: string | undefined;
}

/**
 * Reads and decompresses a body, counting what comes out and not what came in: a decompression bomb is stopped at the bound.
 * @throws BodyTooLarge; whatever broke the stream; the signal's reason.
 */
export async function readBody(source: Readable, limits: BodyLimits): Promise<Buffer> {
  const { bytesMax, onExcess, signal } = limits;
  // One buffer that grows: a body may come in millions of pieces, each of which would cost more than its bytes.
  let body = Buffer.allocUnsafe(Math.min(bytesMax, FIRST_BYTES));
  let bytes = 0;
  const stopSource = () => source.destroy(signal.reason);
  signal.addEventListener("abort", stopSource, { once: true });
  const { decoded, decoders } = await withoutCodings(source, limits.encoding ?? "").finally(() =>
    signal.removeEventListener("abort", stopSource),
  );
  const stop = () => decoded.destroy(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  try {
    signal.throwIfAborted();
    await readChunks(decoded, (chunk) => {
      const isExcess = bytes + chunk.byteLength > bytesMax;
      if (isExcess && onExcess === "fail") throw new BodyTooLarge(bytesMax);
      const end = Math.min(bytes + chunk.byteLength, bytesMax);
      if (end > body.byteLength) {
        const larger = Buffer.allocUnsafe(Math.min(bytesMax, Math.max(end, 2 * body.byteLength)));
        body.copy(larger, 0, 0, bytes);
        body = larger;
      }
      bytes += chunk.copy(body, bytes, 0, end - bytes);
      return isExcess ? "cut" : undefined;
    });
  } finally {
    signal.removeEventListener("abort", stop);
    for (const decoder of decoders) decoder.destroy();
  }
  return body.subarray(0, bytes);
}

/**
 * Reads a stream until `take` makes something of a piece, or to its end (then undefined). By its events: a loop over the stream
 * takes several times as long for the few pieces of a reply. What is left unread stays with whoever closes the connection.
 * @throws whatever `take` throws, or broke the stream.
 */
export function readChunks<T>(
  stream: Readable,
  take: (chunk: Buffer) => T | undefined,
): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const onData = (chunk: Buffer) => {
      try {
        const made = take(chunk);
        if (made === undefined) return;
        resolve(made);
      } catch (error) {
        reject(error);
      }
      stream.off("data", onData).pause();
    };
    stream.on("data", onData);
    stream.once("end", () => resolve(undefined));
    stream.on("error", reject);
    stream.once("close", () => reject(new Error("the connection was closed before the end of the reply")));
  });
}
