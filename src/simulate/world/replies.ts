import type { SeededRandom } from "../../faults/seeded-random.ts";
import type { Reply } from "../environment/fake-socket.ts";

export interface Answer {
  status: number;
  type?: string;
  headers?: Record<string, string>;
  body: string;
  /** Until the first byte. */
  afterMs: number;
}

/** A whole answer, on a connection that ends with it. */
export function reply({ status, type = "text/plain", headers = {}, body, afterMs }: Answer): Reply {
  const lines = [
    `HTTP/1.1 ${status} Simulated`,
    ...Object.entries({ "content-type": type, ...headers }).map(([name, value]) => `${name}: ${value}`),
    ...(status === 204 || status === 304 ? [] : [`content-length: ${Buffer.byteLength(body)}`]),
    "connection: close",
  ];
  return { pieces: [{ afterMs, bytes: `${lines.join("\r\n")}\r\n\r\n${body}` }], ending: "close" };
}

/** The first part of an answer, and then the end of the connection. */
export function brokenOff(answer: Answer, random: SeededRandom): Reply {
  const [piece] = reply(answer).pieces;
  const bytes = piece?.bytes ?? "";
  const length = random.between(20, Math.max(20, bytes.length - 5));
  return {
    pieces: [{ afterMs: answer.afterMs, bytes: bytes.slice(0, length) }],
    ending: random.of(["close", "reset"]),
  };
}

/** Too many requests, and when to come again. */
export function busy(afterSeconds: number, afterMs: number): Reply {
  return reply({ status: 429, headers: { "retry-after": String(afterSeconds) }, body: "", afterMs });
}

/** Nothing comes, and the connection stays open. */
export function silence(): Reply {
  return { pieces: [], ending: "hang" };
}
