import { seededRandom } from "../../faults/seeded-random.ts";
import { readBody } from "../../http/body.ts";
import { exchange } from "../../http/exchange.ts";
import { requestOnce } from "../../http/once.ts";
import { MINUTE_MS } from "../../lib/durations.ts";
import type { SimulatedEnvironment } from "./environment.ts";

/**
 * Loads the HTTP clients and lets them send a request each. What they do the first time only (they compile their
 * parsers beside this thread) would else come at no moment of virtual time.
 */
export async function warmUp(environment: SimulatedEnvironment): Promise<void> {
  const bytes = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nOK";
  environment.use(
    {
      answer: () => ({ afterMs: 0, bytes, ending: "close" }),
      after: (_ms, ring) => void setImmediate(ring),
      accept: () => null,
      isKnown: () => true,
    },
    seededRandom(0, "warm-up"),
  );
  const url = new URL("http://warm-up.example/");
  const { signal } = new AbortController();
  const request = { method: "GET", headers: {}, body: null, signal, timeoutMs: MINUTE_MS };
  await requestOnce(url, request, ({ body }) => readBody(body, { bytesMax: 16, onExcess: "cut", signal }));
  await exchange({ url: url.href, method: "GET", headers: {} }, signal);
  await environment.quiet();
}
