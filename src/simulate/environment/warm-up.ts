import { seededRandom } from "../../faults/seeded-random.ts";
import type { SimulatedEnvironment } from "./environment.ts";

/**
 * Loads the HTTP clients and lets them send a request each. What they do the first time only (they compile their
 * parsers beside this thread) would else come at no moment of virtual time.
 */
export async function warmUp(environment: SimulatedEnvironment): Promise<void> {
  const bytes = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nOK";
  environment.use(
    {
      answer: () => ({ pieces: [{ afterMs: 0, bytes }], ending: "close" }),
      after: (_ms, ring) => void setImmediate(ring),
      accept: () => null,
      isKnown: () => true,
    },
    seededRandom(0, "warm-up"),
  );
  const [{ request }, { ofetch }] = await Promise.all([import("undici"), import("ofetch")]);
  const { body } = await request("http://warm-up.example/");
  await body.text();
  await ofetch("http://warm-up.example/", { responseType: "text", retry: 0 });
  await environment.quiet();
}
