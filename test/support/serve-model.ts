import { appendFileSync } from "node:fs";
import type { Duplex } from "node:stream";
import type { Behaviour } from "../../src/faults/model-answers.ts";
import { startModelEndpoint } from "../../src/faults/model-endpoint.ts";

/**
 * The Ollama server as a process of its own: `node test/support/serve-model.ts LOG [BEHAVIOURS] [DEFAULT] [TRAFFIC]`.
 * Prints its address as the first line, and appends the body of each request to LOG, one a line, before it
 * answers, so that tests in other processes can count. BEHAVIOURS (a JSON array) are done in order, then
 * DEFAULT (a JSON object). TRAFFIC gets a line `{at, bytes}` for each connection (0 bytes) and each piece that arrives on
 * one, before anything is made of it. Ends on SIGTERM.
 */
const [log, behaviours = "[]", otherwise = '{"type":"reply"}', traffic] = process.argv.slice(2);
if (log === undefined) throw new Error("usage: serve-model.ts LOG [BEHAVIOURS] [DEFAULT] [TRAFFIC]");

const server = await startModelEndpoint("ollama", {
  onRequest: ({ body }) => appendFileSync(log, `${body.replaceAll("\n", " ")}\n`),
  ...(traffic === undefined ? {} : { onConnection: (socket) => recordTraffic(socket, traffic) }),
});
server.script(JSON.parse(behaviours) as Behaviour[]);
server.otherwise(JSON.parse(otherwise) as Behaviour);
process.stdout.write(`${server.url}\n`);
process.once("SIGTERM", () => void server.close());

function recordTraffic(socket: Duplex, file: string): void {
  const append = (bytes: number) => appendFileSync(file, `${JSON.stringify({ at: Date.now(), bytes })}\n`);
  append(0);
  socket.on("data", (chunk) => append(chunk.length));
}
