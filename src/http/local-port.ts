import { createServer, type Server } from "node:net";

export type { Server, Socket } from "node:net";

/** Connections that the system holds until they are accepted: an agent may begin hundreds at once. */
const BACKLOG = 4_096;

/** Listens at a port of 127.0.0.1, in the network of this process, for somebody else to accept. Rejects with the system's error. */
export async function listenLocally(port: number): Promise<Server> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen({ port, host: "127.0.0.1", backlog: BACKLOG }, resolve);
  });
  return server;
}
