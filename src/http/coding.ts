import { Readable, type Transform } from "node:stream";
import {
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createInflateRaw,
  createZstdDecompress,
} from "node:zlib";

/** The codings that a request asks for. Others are undone too, where a server sends them all the same. */
export const ACCEPT_ENCODING = "gzip, br, deflate";

/** Of one body. More are no mistake of a server's but work for whoever undoes them. */
const CODINGS_MAX = 3;

/** No text begins with them. */
const GZIP_FIRST = 0x1f;
const ZSTD_FIRST = 0x28;

/** How each is undone, by the first byte of what came; null for a body that is not so encoded, whatever the server says. */
const CODINGS: Record<string, (first: number) => Transform | null> = {
  gzip: (first) => (first === GZIP_FIRST ? createGunzip() : null),
  br: () => createBrotliDecompress(),
  zstd: (first) => (first === ZSTD_FIRST ? createZstdDecompress() : null),
  // The zlib format (RFC 9110, section 8.4.1.2); some servers send the bare deflate data, which begins otherwise.
  deflate: (first) => (first % 16 === 8 ? createInflate() : createInflateRaw()),
};

/**
 * The body without its content codings, a list of which is undone from the last to the first (RFC 9110, section 8.4). What is no coding is
 * passed over, as browsers do: servers write `none`, `utf-8` or `aws-chunked` beside a body that is as it was. What still begins
 * as gzip does is undone without a name, as a file `feed.xml.gz` is that a server knows nothing of.
 * Whoever reads it destroys `decoders` afterwards.
 * @throws Error for more codings than are undone; whatever broke the stream.
 */
export async function withoutCodings(
  source: Readable,
  encoding: string,
): Promise<{ decoded: Readable; decoders: Transform[] }> {
  const names = encoding
    .toLowerCase()
    .split(",")
    .map((name) => name.replace(/;.*/, "").replaceAll('"', "").trim().replace(/^x-/, ""))
    .filter((name) => Object.hasOwn(CODINGS, name));
  if (names.length > CODINGS_MAX)
    throw new Error(`it is encoded ${names.length} times, and afk undoes ${CODINGS_MAX}`);
  const decoders: Transform[] = [];
  let decoded = source;
  for (const name of [...names.toReversed(), "gzip"]) {
    const outer = decoded;
    const first = await firstByte(outer);
    // Some servers name a coding beside no body at all.
    if (first === undefined) return { decoded: Readable.from([]), decoders };
    const decoder = CODINGS[name]?.(first);
    if (!decoder) continue;
    outer.on("error", (error) => decoder.destroy(error));
    decoded = outer.pipe(decoder);
    decoders.push(decoder);
  }
  return { decoded, decoders };
}

/** Looks without taking: the byte is put back. */
async function firstByte(stream: Readable): Promise<number | undefined> {
  return await new Promise((resolve, reject) => {
    const look = () => {
      const chunk: Buffer | null = stream.read();
      if (chunk === null && !stream.readableEnded && stream.readable) return;
      done(() => resolve(chunk?.[0]));
      if (chunk !== null) stream.unshift(chunk);
    };
    const fail = (error: Error) => done(() => reject(error));
    const close = () => done(() => resolve(undefined));
    const done = (settle: () => void) => {
      stream.off("readable", look).off("error", fail).off("close", close).off("end", close);
      settle();
    };
    stream.on("readable", look).on("error", fail).on("close", close).on("end", close);
  });
}
