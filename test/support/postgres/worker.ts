import { startPostgres } from "./server.ts";

/** A process that has a server, says where, and stays: `node worker.ts`, for the test that kills it. */
const server = await startPostgres();
process.stdout.write(`${JSON.stringify({ folder: server.folder, url: server.url(), pid: server.pid })}\n`);
setInterval(() => undefined, 60_000);
