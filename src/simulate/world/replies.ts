import type { Answer } from "../../faults/model-answers.ts";
import type { SeededRandom } from "../../faults/seeded-random.ts";
import type { Reply } from "../environment/network.ts";

/** An answer as bytes on a connection that ends with it. `afterMs`: until the first byte. */
export function reply({ head, pieces, ending }: Omit<Answer, "repeated">, afterMs: number): Reply {
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
export function respond(
  afterMs: number,
  status: number,
  body = "",
  headers: Record<string, string> = {},
): Reply {
  const head = { status, headers: { "content-type": "text/plain", ...headers } };
  return reply({ head, pieces: [body], ending: "close" }, afterMs);
}

/** Nothing comes, and the connection stays open. */
export const SILENCE: Reply = { afterMs: 0, bytes: "", ending: "hang" };

/** The first part of an answer, and then the end of the connection. */
export function brokenOff(whole: Reply, random: SeededRandom): Reply {
  const length = random.between(20, Math.max(20, whole.bytes.length - 5));
  return { ...whole, bytes: whole.bytes.slice(0, length), ending: random.of(["close", "reset"]) };
}

/** What a server that fails does, and how often each is met among the others. */
type FailureWeights = Record<
  "failed" | "refused" | "busy" | "silent" | "broken" | "garbage" | "moved" | "lost",
  number
>;

/** One of the failures, in the place of the answer `whole`. */
export function failure(weights: FailureWeights, url: URL, whole: Reply, random: SeededRandom): Reply {
  const { afterMs } = whole;
  switch (random.weighted(weights)) {
    case "failed":
      return respond(afterMs, random.of([500, 502, 503]), "failed");
    case "refused":
      return respond(afterMs, random.of([400, 403, 404, 410, 422]), "no");
    case "busy":
      return respond(afterMs, 429, "", { "retry-after": String(random.between(1, 12_000)) });
    case "silent":
      return SILENCE;
    case "broken":
      return brokenOff(whole, random);
    case "garbage": {
      const body = random.of(["<html><p>Log in", "{{{", "\u0000", "<rss><"]);
      return respond(afterMs, 200, body, { "content-type": "text/html" });
    }
    case "moved": {
      const elsewhere = ["https://elsewhere.example/", "::"] as const;
      const location = random.of([`${url.pathname}?moved=${random.below(9)}`, ...elsewhere]);
      return respond(afterMs, random.of([301, 302, 308]), "", { location });
    }
    case "lost":
      return { afterMs, bytes: "", ending: "reset" };
  }
}
