import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";

export const ACCEPT_ENCODING = "gzip, br, deflate";

/** The decoded body is larger than the bound. */
export class BodyTooLarge extends Error {}

export interface BodyLimits {
  bytesMax: number;
  /** Whether a larger body is an error or is cut at the bound. */
  onExcess: "fail" | "cut";
  signal: AbortSignal;
}

/**
 * Reads and decompresses a body, counting what comes out and not what came in: a decompression bomb is stopped at the bound,
 * and the connection with it.
 * @throws BodyTooLarge; whatever broke the stream; the signal's reason.
 */
export async function readBody(source: Readable, encoding: string, limits: BodyLimits): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const collect = async (decoded: AsyncIterable<Buffer>) => {
    for await (const chunk of decoded) {
      chunks.push(chunk.subarray(0, limits.bytesMax - bytes));
      bytes += chunk.byteLength;
      if (bytes > limits.bytesMax) throw new BodyTooLarge(`more than ${limits.bytesMax} bytes`);
    }
  };
  const { signal } = limits;
  try {
    const decoder = decoderFor(encoding);
    if (decoder === null) await pipeline(source, collect, { signal });
    else await pipeline(source, decoder, collect, { signal });
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof BodyTooLarge && limits.onExcess === "cut")) throw error;
  }
  return Buffer.concat(chunks);
}

/** One content coding of RFC 9110, section 8.4.1; null for none. `deflate` is the zlib format, as it says there. */
function decoderFor(encoding: string) {
  switch (encoding.trim().toLowerCase()) {
    case "":
    case "identity":
      return null;
    case "gzip":
    case "x-gzip":
      return createGunzip();
    case "br":
      return createBrotliDecompress();
    case "deflate":
      return createInflate();
    default:
      throw new Error(`it is encoded as ${encoding}, which afk did not ask for`);
  }
}
