// @module-tag slow
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { Delivery } from "../../../src/gateway/delivery.ts";
import { createMemory, receiveText } from "../../../src/gateway/receive.ts";
import { createGatewayServer } from "../../../src/gateway/server.ts";
import { testGateway } from "../gateway-on.ts";

/** With times so short that a test can wait for them; connections are looked over every five seconds. */
async function impatientServer(onRequest: (request: IncomingMessage) => void): Promise<Server> {
  const server = createGatewayServer(null, onRequest);
  server.headersTimeout = 500;
  server.requestTimeout = 500;
  await once(server.listen(0, "127.0.0.1"), "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return server;
}

/** A client that never closes its side, whatever the server does with its own. */
function stubborn(port: number, bytes: string): { socket: Socket; said: () => string } {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  let said = "";
  socket.on("data", (chunk) => {
    said += chunk.toString();
  });
  socket.on("error", () => {});
  socket.write(bytes);
  onTestFinished(() => void socket.destroy());
  return { socket, said: () => said };
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

function connections(server: Server): Promise<number> {
  return new Promise((resolve, reject) =>
    server.getConnections((error, count) => (error === null ? resolve(count) : reject(error))),
  );
}

const CUT_OFF = "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 30000000\r\n\r\n";
/** It is found to be too slow within 5.5 s, and closed a second later. */
const SOON = { timeout: 20_000, interval: 100 };

describe("a client that never closes its connection", () => {
  it.each([
    ["comes too slowly", "POST /v1/chat/completions HTTP/1.1\r\nx-a: ", "408 Request Timeout"],
    ["stops in its body", `${CUT_OFF}{`, "408 Request Timeout"],
    ["is no HTTP", "\u0016\u0003\u0001 hello\r\n\r\n", "400 Bad Request"],
    [
      "asks for a WebSocket",
      "GET /v1/responses HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
      "426 Upgrade Required",
    ],
  ])("is told, and holds it no longer, when it %s", async (_, bytes, status) => {
    const server = await impatientServer(() => undefined);
    const { said } = stubborn(portOf(server), bytes);
    await expect.poll(said, SOON).toContain(`HTTP/1.1 ${status}`);
    await expect.poll(() => connections(server), SOON).toBe(0);
  });

  it("keeps no gateway from its end", async () => {
    const { url, opened } = await testGateway({ servers: ["openai"] });
    const { said } = stubborn(
      Number(new URL(url).port),
      "GET /v1/responses HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    );
    await expect.poll(said, SOON).toContain("426");
    const closed = opened.close().then(() => "closed");
    expect(await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, 20_000))])).toBe(
      "closed",
    );
  });

  it("and stops in its body gives back what was held of it", async () => {
    const bytesMax = 4_000_000;
    const memory = createMemory(bytesMax);
    const ends: unknown[] = [];
    const server = await impatientServer((request) => {
      receiveText(request, memory, "client hostile").then(
        () => ends.push("received"),
        (error: unknown) => ends.push(error),
      );
    });
    stubborn(portOf(server), CUT_OFF + "x".repeat(900_000));
    const roomOf = (bytes: number) => {
      const part = memory.for("client hostile");
      part.take(bytes, 0);
      part.giveBack();
      return "room";
    };
    await expect.poll(() => tried(() => roomOf(bytesMax / 2 - 800_000)), SOON).toContain("holds as many");
    await expect.poll(() => ends, SOON).toEqual([expect.any(Error)]);
    expect(roomOf(bytesMax / 2)).toBe("room");
  });
});

function tried(work: () => string): string {
  try {
    return work();
  } catch (error) {
    return String(error);
  }
}

describe("a client that never reads", () => {
  it.each([
    ["at once", false],
    ["again", true],
  ])("is dropped with the whole answer that it gets %s", async (_, isAgain) => {
    const body = Buffer.alloc(4 * 1024 * 1024 - 1, "x");
    const taken: boolean[] = [];
    const server = createServer((_request, response) => {
      const delivery = new Delivery({ bytes: 0, bytesMax: 64 * 1024 * 1024 }, () => undefined, 500);
      response.once("close", () => taken.push(response.writableFinished));
      if (isAgain) delivery.send(200, {}, body);
      delivery.attach(response);
      if (!isAgain) delivery.send(200, {}, body);
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const { socket } = stubborn(portOf(server), "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    socket.pause();
    await expect.poll(() => taken, SOON).toEqual([false]);
    await expect.poll(() => connections(server), SOON).toBe(0);
  });
});
