import { Agent, type ClientRequest, type IncomingMessage, request as send } from "node:http";
import type { Load, LoadResult } from "./load.ts";

/** Asks a server as hard as `clients` at a time can, and writes what came of it; started with a Load as JSON. */
const load = JSON.parse(process.argv[2] ?? "{}") as Load;
const agent = new Agent({ keepAlive: true, maxSockets: load.clients });
const { hostname, port, pathname } = new URL(load.url);
let count = 0;

/** Each with a request of its own, since the same one again and again would be a loop. */
function bodyOf(): string {
  count += 1;
  const said = `${process.pid} ${count} `.padEnd(Math.max(0, load.bodyBytes - 160), "lorem ipsum ");
  const streamed = load.chunks === null ? {} : { stream: true, seed: load.chunks };
  const held = load.isHeld ? { user: "held" } : {};
  const messages = [{ role: "user", content: said }];
  return JSON.stringify({ model: "bench", ...streamed, ...held, max_tokens: 16, messages });
}

function ask(onReply: (reply: IncomingMessage) => void): ClientRequest {
  const body = bodyOf();
  const length = Buffer.byteLength(body);
  const headers = { ...load.headers, "content-type": "application/json", "content-length": length };
  const sent = send({ agent, hostname, port, path: pathname, method: "POST", headers }, onReply);
  sent.end(body);
  return sent;
}

/** Microseconds up to the first byte of the body and up to its end; null for anything but a 200. */
function timed(): Promise<{ firstUs: number; allUs: number } | null> {
  const startedMs = performance.now();
  const sinceUs = () => (performance.now() - startedMs) * 1_000;
  return new Promise((resolve, reject) => {
    ask((reply) => {
      let firstUs = 0;
      reply.on("data", () => {
        if (firstUs === 0) firstUs = sinceUs();
      });
      reply.once("end", () => resolve(reply.statusCode === 200 ? { firstUs, allUs: sinceUs() } : null));
      reply.once("error", reject);
    }).on("error", reject);
  });
}

async function run(seconds: number, requestsMax: number): Promise<LoadResult> {
  const samples: { firstUs: number; allUs: number }[] = [];
  let [asked, failed] = [0, 0];
  const startedMs = performance.now();
  const untilMs = startedMs + seconds * 1_000;
  const client = async () => {
    while (performance.now() < untilMs && asked < requestsMax) {
      asked += 1;
      const sample = await timed();
      if (sample === null) failed += 1;
      else samples.push(sample);
    }
  };
  await Promise.all(Array.from({ length: load.clients }, client));
  const tookMs = performance.now() - startedMs;
  const quantile = (of: "firstUs" | "allUs", share: number) => {
    const sorted = Float64Array.from(samples, (sample) => sample[of]).sort();
    return sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN;
  };
  return {
    perSecond: (samples.length / tookMs) * 1_000,
    p50Us: quantile("allUs", 0.5),
    p99Us: quantile("allUs", 0.99),
    firstUs: quantile("firstUs", 0.5),
    failed,
  };
}

/** Opens a stream each and stays, until this process is ended. */
async function hold(): Promise<void> {
  const opened = Array.from(
    { length: load.clients },
    () =>
      new Promise<void>((resolve, reject) => {
        ask((reply) => void reply.once("data", () => resolve())).on("error", reject);
      }),
  );
  await Promise.all(opened);
}

if (load.isHeld) {
  await hold();
  process.stdout.write("{}\n");
} else {
  if (load.warmUpSeconds > 0) await run(load.warmUpSeconds, Number.POSITIVE_INFINITY);
  process.stdout.write(
    `${JSON.stringify(await run(load.seconds, load.requestsMax ?? Number.POSITIVE_INFINITY))}\n`,
  );
  process.exit(0);
}
