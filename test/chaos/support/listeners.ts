import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

/** Private web sites at one port of 127.0.0.1, 127.0.0.2 and ::1, which an attack wants to reach. */
export interface Listeners {
  port: number;
  connections(): number;
}

export async function privateListeners(): Promise<Listeners> {
  let connections = 0;
  let port = 0;
  for (const host of ["127.0.0.1", "127.0.0.2", "::1"]) {
    const server = createServer((_request, response) => void response.writeHead(200).end("private"));
    server.on("connection", () => {
      connections += 1;
    });
    await new Promise<void>((resolve, reject) => server.once("error", reject).listen(port, host, resolve));
    ({ port } = server.address() as AddressInfo);
    onTestFinished(async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    });
  }
  return { port, connections: () => connections };
}
