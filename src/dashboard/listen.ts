import type { Server } from "node:net";
import { AfkError, messageOf } from "../lib/errors.ts";

export interface Address {
  port: number;
  host: string;
}

/**
 * Listens there, and at a free port where it is 0.
 * @throws AfkError (`dashboard_unavailable`) when it cannot.
 */
export function listen(server: Server, { port, host }: Address): Promise<Address> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => {
      const message = `the page cannot be served at ${host} port ${port}: ${messageOf(error)}. It may be served there already, by afk run; else set another dashboard.port`;
      reject(new AfkError("dashboard_unavailable", message, { retry: "never", cause: error }));
    };
    server.once("error", fail);
    server.listen({ port, host, exclusive: true }, () => {
      server.removeListener("error", fail);
      const address = server.address();
      resolve({ host, port: typeof address === "object" && address !== null ? address.port : port });
    });
  });
}

/** `http://127.0.0.1:4235/` */
export function urlOf({ host, port }: Address): string {
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}/`;
}
