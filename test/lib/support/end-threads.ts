import { once } from "node:events";
import { setTimeout } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { endThread } from "../../../src/lib/threads.ts";

// Ends threads at the moment in which they load a compiled module, again when they have ended, and one that does not obey.
const THREAD = `
  const { parentPort } = require("node:worker_threads");
  const Database = require("better-sqlite3");
  parentPort.postMessage("loading");
  new Database(":memory:").close();
  parentPort.once("message", () => parentPort.close());`;

for (let round = 0; round < 60; round++) {
  const thread = new Worker(THREAD, { eval: true });
  thread.unref();
  await Promise.all([once(thread, "message"), setTimeout(1)]);
  if (round % 3 > 0) await setTimeout(round % 3);
  thread.postMessage("end");
  await endThread(thread, 60_000);
  await endThread(thread, 60_000);
}
const deaf = new Worker("setInterval(() => {}, 1_000)", { eval: true });
await endThread(deaf, 100);
process.stdout.write(`${deaf.threadId}\n`);
