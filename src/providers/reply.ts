import type { IncomingMessage } from "node:http";
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

export function replyOf(subject: Subject, body: IncomingMessage): Reply {
  return {
    subject,
    async text() {
      const parts: Uint8Array[] = [];
      await read(subject, body, (chunk) => void parts.push(chunk));
      return Buffer.concat(parts).toString("utf8");
    },
    async lines(take) {
      const decoder = new TextDecoder();
      let count = 0;
      let rest = "";
      const found = await read(subject, body, (chunk) => {
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

/**
 * Reads a body until `take` makes something of a piece, or to its end, and no further than it may be long. By its events:
 * a loop over the stream takes several times as long for the few pieces of a reply.
 */
function read<T>(
  subject: Subject,
  body: IncomingMessage,
  take: (chunk: Buffer) => T | undefined,
): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    let bytes = 0;
    const onData = (chunk: Buffer) => {
      try {
        bytes += chunk.byteLength;
        if (bytes > REPLY_BYTES_MAX)
          throw malformedFailure(subject, `it is longer than ${REPLY_BYTES_MAX} bytes`);
        const made = take(chunk);
        if (made === undefined) return;
        resolve(made);
      } catch (error) {
        reject(error);
      }
      body.off("data", onData).pause();
    };
    body.on("data", onData);
    body.once("end", () => resolve(undefined));
    body.on("error", reject);
    body.once("close", () => reject(new Error("the connection was closed before the end of the reply")));
  });
}

/** The body of an error answer, or null: too long, or broken off. The status alone is then what is known. */
export async function readErrorBody(
  body: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<string | null> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of body) {
      bytes += chunk.byteLength;
      if (bytes > ERROR_BYTES_MAX) return null;
      parts.push(chunk);
    }
  } catch (error) {
    if (signal.aborted) throw error;
    return null;
  }
  return Buffer.concat(parts).toString("utf8");
}
