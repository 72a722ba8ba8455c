import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { constants, createBrotliCompress, deflateRawSync, gzipSync } from "node:zlib";

const PIECE = 16 * 1024 * 1024;
/** 1 GiB in pieces. */
const PIECES = 64;

/** A gibibyte of zeros in gzip (RFC 1952): members one after the other are one file. */
export function gzipZeros(): Buffer {
  return Buffer.concat(Array(PIECES).fill(gzipSync(Buffer.alloc(PIECE))));
}

/** The same in the zlib format (RFC 1950): blocks that end on a byte border can be repeated, and Adler-32 of zeros is known. */
export function deflateZeros(): Buffer {
  const block = deflateRawSync(Buffer.alloc(PIECE), { finishFlush: constants.Z_FULL_FLUSH });
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE((((PIECE * PIECES) % 65_521) * 0x10000 + 1) >>> 0);
  const end = Buffer.concat([Buffer.from([0x03, 0x00]), checksum]);
  return Buffer.concat([Buffer.from([0x78, 0x01]), ...Array(PIECES).fill(block), end]);
}

/** The same in Brotli (RFC 7932), which has no such short cut. */
export async function brotliZeros(): Promise<Buffer> {
  const compressor = createBrotliCompress({ params: { [constants.BROTLI_PARAM_QUALITY]: 1 } });
  const piece = Buffer.alloc(PIECE);
  const zeros = Readable.from(
    (function* () {
      for (let i = 0; i < PIECES; i++) yield piece;
    })(),
  );
  return await buffer(zeros.pipe(compressor));
}
