import { readBody, readChunks } from "../http/body.ts";
import type { OnceReply } from "../http/once.ts";
import { malformedFailure, type Subject } from "./failures.ts";

/** The reply to one call: its body, read once, as it comes. */
export interface Reply {
  subject: Subject;
  text(): Promise<string>;
  /**
   * Hands the lines of a body in NDJSON to `take` as they come, without empty ones. The first that it makes something of
   * ends the reading; undefined when the body ended before.
   */
  lines<T>(take: (line: string) => T | undefined): Promise<T | undefined>;
}

const REPLY_BYTES_MAX = 8 * 1024 * 1024;
const ERROR_BYTES_MAX = 64 * 1024;
const LINES_MAX = 200_000;

/** Bounds and reads the body of a 2xx reply. */
export function replyOf(subject: Subject, body: OnceReply["body"]): Reply {
  let bytes = 0;
  const read = <T>(take: (chunk: Buffer) => T | undefined) =>
    readChunks(body, (chunk) => {
      bytes += chunk.byteLength;
      if (bytes > REPLY_BYTES_MAX)
        throw malformedFailure(subject, `it is longer than ${REPLY_BYTES_MAX} bytes`);
      return take(chunk);
    });
  return {
    subject,
    async text() {
      const parts: Uint8Array[] = [];
      await read((chunk) => void parts.push(chunk));
      return new TextDecoder().decode(Buffer.concat(parts));
    },
    async lines(take) {
      const decoder = new TextDecoder();
      let count = 0;
      let rest = "";
      const found = await read((chunk) => {
        const pieces = decoder.decode(chunk, { stream: true }).split("\n");
        const last = pieces.pop() ?? "";
        for (const piece of pieces) {
          count += 1;
          if (count > LINES_MAX) throw malformedFailure(subject, `it has more than ${LINES_MAX} lines`);
          const line = rest + piece;
          rest = "";
          const made = line.trim() === "" ? undefined : take(line);
          if (made !== undefined) return made;
        }
        rest += last;
        return undefined;
      });
      if (found !== undefined) return found;
      rest += decoder.decode();
      return rest.trim() === "" ? undefined : take(rest);
    },
  };
}

/** The body of an error answer, or null: too long, or broken off. The status alone is then what is known. */
export async function readErrorBody(body: OnceReply["body"], signal: AbortSignal): Promise<string | null> {
  try {
    const bytes = await readBody(body, { bytesMax: ERROR_BYTES_MAX, onExcess: "fail", signal });
    return bytes.toString("utf8");
  } catch (error) {
    if (signal.aborted) throw error;
    return null;
  }
}
