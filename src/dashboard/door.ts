import { connect, createServer, type Socket } from "node:net";
import { pipeline } from "node:stream";
import { type Address, listen } from "./listen.ts";

/** Listens in the page's place, until somebody comes. */
export interface Door {
  address: Address;
  /** Listens no more: the port is free. Who has come is still there. */
  leave(): void;
  /** Hands those who have come to who now listens there. */
  admit(): void;
  /** Sends them away. */
  refuse(): void;
}

const WAITING_MAX = 64;

/**
 * Opens it; `onFirst` is called when the first one has come. What they say is not read here: it waits in the system's
 * buffers until they are let in.
 * @throws AfkError (`dashboard_unavailable`) when it cannot listen there.
 */
export async function openDoor(where: Address, onFirst: () => void): Promise<Door> {
  const waiting = new Set<Socket>();
  let hasOpened = false;
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    // One that goes away while it waits is not worth a word.
    socket.on("error", () => socket.destroy());
    socket.once("close", () => waiting.delete(socket));
    waiting.add(socket);
    if (hasOpened) return;
    hasOpened = true;
    onFirst();
  });
  server.maxConnections = WAITING_MAX;
  // It never keeps the process from ending.
  server.unref();
  const address = await listen(server, where);
  // A connection that could not be taken; the next one may be.
  server.on("error", () => undefined);
  return {
    address,
    // It would say so only when those who have come are gone; but it stops to listen at once.
    leave: () => void server.close(),
    admit() {
      for (const socket of waiting) {
        pipeline(socket, connect(address), socket, () => socket.destroy());
      }
    },
    refuse() {
      server.close();
      for (const socket of waiting) socket.destroy();
    },
  };
}
