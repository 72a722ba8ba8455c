/** What was kept of a stream, and how much it was. */
export interface Captured {
  text: string;
  /** Everything that was written, kept or not. */
  bytes: number;
  isCut: boolean;
}

/** Keeps a bounded part of a stream in one buffer, whatever the size and the number of its chunks. */
export interface Capture {
  write(chunk: Uint8Array): void;
  read(): Captured;
}

/** Keeps the first `bytesMax` bytes: the beginning of a document is what a reader can use. */
export function captureFirst(bytesMax: number): Capture {
  const kept = Buffer.alloc(bytesMax);
  let bytes = 0;
  return {
    write(chunk) {
      if (bytes < bytesMax) kept.set(chunk.subarray(0, bytesMax - bytes), bytes);
      bytes += chunk.length;
    },
    read() {
      const isCut = bytes > bytesMax;
      // As in the middle of a stream, a character that the cut has split is held back.
      const text = decode(kept.subarray(0, Math.min(bytes, bytesMax)), isCut);
      return fitted(text, { bytes, isCut }, (charsMax) => text.slice(0, charsMax));
    },
  };
}

/** Keeps the last `bytesMax` bytes: an error says at its end what went wrong. */
export function captureLast(bytesMax: number): Capture {
  const ring = Buffer.alloc(bytesMax);
  let bytes = 0;
  let next = 0;
  return {
    write(chunk) {
      bytes += chunk.length;
      const last = chunk.subarray(Math.max(0, chunk.length - bytesMax));
      const beforeWrap = last.subarray(0, bytesMax - next);
      ring.set(beforeWrap, next);
      ring.set(last.subarray(beforeWrap.length), 0);
      next = (next + last.length) % bytesMax;
    },
    read() {
      const isCut = bytes > bytesMax;
      const kept = isCut
        ? Buffer.concat([ring.subarray(next), ring.subarray(0, next)])
        : ring.subarray(0, bytes);
      // The bytes at the beginning that continue a character which was dropped go too.
      const start = isCut ? kept.subarray(0, 3).findIndex((byte) => (byte & 0xc0) !== 0x80) : 0;
      const text = decode(kept.subarray(start === -1 ? 3 : start), false);
      return fitted(text, { bytes, isCut }, (charsMax) => text.slice(-charsMax));
    },
  };
}

/** Bytes that are no UTF-8 become replacement characters. */
function decode(bytes: Uint8Array, isOpenEnded: boolean): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes, { stream: isOpenEnded });
}

/**
 * A step keeps 4 MiB of JSON, and both streams have to fit. Text is little larger in JSON than it is by itself; control
 * characters are six times as large, so that a stream of those is cut to what fits in any case.
 */
const JSON_BYTES_MAX = 1_900 * 1024;
const JSON_BYTES_PER_UNIT = 6;

function fitted(
  text: string,
  { bytes, isCut }: Omit<Captured, "text">,
  cut: (charsMax: number) => string,
): Captured {
  if (Buffer.byteLength(JSON.stringify(text)) <= JSON_BYTES_MAX) return { text, bytes, isCut };
  return { text: cut(JSON_BYTES_MAX / JSON_BYTES_PER_UNIT), bytes, isCut: true };
}
