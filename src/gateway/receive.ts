import type { IncomingMessage } from "node:http";
import type { Transform } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from "node:zlib";
import { readChunks } from "../http/body.ts";
import { AfkError } from "../lib/errors.ts";
import { valuesIn } from "../lib/json-text.ts";

/** As much as the largest request that a provider takes. */
export const BODY_BYTES_MAX = 32 * 1024 * 1024;
/** Bodies of all requests that are being read or judged at the same time. */
const ALL_BYTES_MAX = 256 * 1024 * 1024;
/** A body that is no larger is let in whatever the others hold; how many there are is bounded by the connections. */
const SMALL_BYTES = 64 * 1024;
/** With what its values take. */
const SMALL_BYTES_READ = 256 * 1024;

/** No honest request has so many, and to read more of them would keep all others waiting. */
const VALUES_MAX = 400_000;
/** What a value takes once it is read. */
const BYTES_PER_VALUE = 64;

/** The body is no request that can be judged. */
export class BodyRefused extends AfkError {
  readonly type: "invalid" | "too_large" | "busy";

  constructor(type: BodyRefused["type"], message: string) {
    super("body_refused", message, { retry: "never" });
    this.type = type;
  }
}

const DECODERS: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  "x-gzip": createGunzip,
  br: createBrotliDecompress,
  deflate: createInflate,
  zstd: createZstdDecompress,
};

/** Of these one at a time is judged before the kill switch and everybody else have their turn. */
const LARGE_BYTES = 256 * 1024;

let turns = Promise.resolve();

/** Resolves in a turn of the event loop in which no other large body is read. */
function ownTurn(): Promise<void> {
  turns = turns.then(() => new Promise<void>((resolve) => setImmediate(resolve)));
  return turns;
}

const TOO_LARGE = `the body is larger than the ${BODY_BYTES_MAX / 1024 / 1024} MiB that afk takes`;

export type Memory = ReturnType<typeof createMemory>;

/** What requests hold in memory together, so that many large ones do not take all of it, and one client's no more than half. */
export function createMemory(bytesMax = ALL_BYTES_MAX) {
  let all = 0;
  const ofClients = new Map<string, number>();

  function add(client: string, bytes: number): void {
    all += bytes;
    const ofClient = (ofClients.get(client) ?? 0) + bytes;
    if (ofClient === 0) ofClients.delete(client);
    else ofClients.set(client, ofClient);
  }

  return {
    /** For one request of a client. */
    for(client: string) {
      let held = 0;
      return {
        get held(): number {
          return held;
        },
        /**
         * `smallMax`: up to there nothing is refused.
         * @throws BodyRefused when there is no room.
         */
        take(bytes: number, smallMax: number): void {
          const isSmall = held + bytes <= smallMax;
          const ofClient = (ofClients.get(client) ?? 0) + bytes;
          if (!isSmall && (ofClient > bytesMax / 2 || all + bytes > bytesMax))
            throw new BodyRefused(
              "busy",
              `the gateway holds as many large requests${ofClient > bytesMax / 2 ? " of this client" : ""} as it can; try again in some seconds`,
            );
          held += bytes;
          add(client, bytes);
        },
        giveBack(): void {
          add(client, -held);
          held = 0;
        },
      };
    },
  };
}

/**
 * Reads and unpacks a request's body.
 * @throws BodyRefused; whatever broke the connection.
 */
export async function receiveText(
  request: IncomingMessage,
  memory: Memory,
  client: string,
): Promise<{ text: string; release: () => void }> {
  const encoding = (request.headers["content-encoding"] ?? "identity").trim().toLowerCase();
  const decode = encoding === "identity" || encoding === "" ? null : DECODERS[encoding];
  if (decode === undefined)
    throw new BodyRefused(
      "invalid",
      `the body is encoded as ${encoding}; send gzip, br, deflate, zstd or none`,
    );
  if (Number(request.headers["content-length"] ?? 0) > BODY_BYTES_MAX)
    throw new BodyRefused("too_large", TOO_LARGE);
  const part = memory.for(client);
  try {
    const parts: Buffer[] = [];
    await readChunks(request, (chunk) => {
      part.take(chunk.byteLength, SMALL_BYTES);
      if (part.held > BODY_BYTES_MAX) throw new BodyRefused("too_large", TOO_LARGE);
      parts.push(chunk);
    });
    const [first] = parts;
    let bytes = parts.length === 1 && first !== undefined ? first : Buffer.concat(parts);
    if (decode !== null) bytes = await unpack(decode(), bytes, { encoding, part });
    if (bytes.byteLength > LARGE_BYTES) await ownTurn();
    const text = decoded(bytes);
    const values = valuesIn(text, VALUES_MAX);
    if (values > VALUES_MAX)
      throw new BodyRefused("too_large", `the body has more than the ${VALUES_MAX} values that afk takes`);
    part.take(values * BYTES_PER_VALUE, part.held > SMALL_BYTES ? 0 : SMALL_BYTES_READ);
    return { text, release: part.giveBack };
  } catch (error) {
    part.giveBack();
    throw error;
  }
}

/** Each piece counts as it comes out: fifty bytes may be 32 MiB, and hundreds of such requests come at the same time. */
async function unpack(
  decoder: Transform,
  bytes: Buffer,
  { encoding, part }: { encoding: string; part: ReturnType<Memory["for"]> },
): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let unpacked = 0;
  decoder.end(bytes);
  try {
    await readChunks(decoder, (piece) => {
      unpacked += piece.byteLength;
      if (unpacked > BODY_BYTES_MAX) throw new BodyRefused("too_large", TOO_LARGE);
      part.take(piece.byteLength, SMALL_BYTES);
      pieces.push(piece);
    });
  } catch (error) {
    if (error instanceof BodyRefused) throw error;
    throw new BodyRefused("invalid", `the body is not ${encoding}, as its content-encoding says`);
  } finally {
    decoder.destroy();
  }
  return Buffer.concat(pieces);
}

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function decoded(bytes: Buffer): string {
  try {
    return UTF8.decode(bytes);
  } catch {
    throw new BodyRefused("invalid", "the body is not UTF-8");
  }
}
