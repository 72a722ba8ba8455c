import type { Server } from "node:http";

/** Listens on a free port of 127.0.0.1 and writes its address for whoever started this process. */
export function listenAndTell(server: Server): void {
  server.listen(0, "127.0.0.1", () => {
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("it listens on no port");
    process.stdout.write(`http://127.0.0.1:${address.port}\n`);
  });
}
