import type { Answer } from "../../faults/model-answers.ts";
import type { SeededRandom } from "../../faults/seeded-random.ts";
import type { Reply } from "../environment/network.ts";

/** An answer as bytes on a connection that ends with it. `afterMs`: until the first byte. */
export function reply({ head, pieces, ending }: Answer, afterMs: number): Reply {
  if (head === null) return { afterMs, bytes: "", ending };
  const { status, headers } = head;
  const body = pieces.join("");
  const lines = [
    `HTTP/1.1 ${status} Simulated`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ...(status === 204 || status === 304 ? [] : [`content-length: ${Buffer.byteLength(body)}`]),
    "connection: close",
  ];
  return { afterMs, bytes: `${lines.join("\r\n")}\r\n\r\n${body}`, ending };
}

/** A whole answer. */
export function respondWith(status: number, body = "", headers: Record<string, string> = {}): Answer {
  const head = { status, headers: { "content-type": "text/plain", ...headers } };
  return { head, pieces: [body], ending: "close" };
}

/** Nothing comes, and the connection stays open. */
export const SILENCE: Reply = { afterMs: 0, bytes: "", ending: "hang" };

/** The first part of an answer, and then the end of the connection. */
export function brokenOff(whole: Answer, afterMs: number, random: SeededRandom): Reply {
  const { bytes } = reply(whole, afterMs);
  const length = random.between(20, Math.max(20, bytes.length - 5));
  return { afterMs, bytes: bytes.slice(0, length), ending: random.of(["close", "reset"]) };
}

/** Too many requests, and when to come again. */
export function busy(afterSeconds: number): Answer {
  return respondWith(429, "", { "retry-after": String(afterSeconds) });
}
