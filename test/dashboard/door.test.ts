import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { type Door, openDoor } from "../../src/dashboard/door.ts";

const HERE = { port: 0, host: "127.0.0.1" };

/** Opens a door; `came` resolves when the first one has come. */
async function opened(): Promise<{ door: Door; came: Promise<void>; calls: () => number }> {
  const first = Promise.withResolvers<void>();
  let calls = 0;
  const door = await openDoor(HERE, () => {
    calls += 1;
    first.resolve();
  });
  onTestFinished(() => door.refuse());
  return { door, came: first.promise, calls: () => calls };
}

function visitor(door: Door, says: string): { socket: Socket; heard: Promise<string> } {
  const socket = connect(door.address);
  onTestFinished(() => void socket.destroy());
  let heard = "";
  socket.setEncoding("utf8").on("data", (text: string) => {
    heard += text;
  });
  socket.on("error", () => undefined);
  socket.write(says);
  return { socket, heard: new Promise((resolve) => socket.once("close", () => resolve(heard))) };
}

/** Some turns of the event loop, in which the door takes all who are connected. */
async function turns(): Promise<void> {
  for (let n = 0; n < 20; n++) await new Promise((resolve) => setImmediate(resolve));
}

test("lets everybody who has come talk to who listens there in the end, and each to nobody else", async () => {
  const { door, came, calls } = await opened();
  const visitors = ["one", "two", "three"].map((name) => visitor(door, name));
  await came;
  const last = visitor(door, "last");
  await once(last.socket, "connect");
  await turns();

  door.leave();
  const server = createServer((socket) => {
    socket.once("data", (data) => socket.end(`hello ${data}`));
  });
  onTestFinished(() => void server.close());
  // The port is free at once.
  server.listen(door.address.port, HERE.host);
  await once(server, "listening");
  door.admit();

  expect(await Promise.all([...visitors, last].map(({ heard }) => heard))).toEqual([
    "hello one",
    "hello two",
    "hello three",
    "hello last",
  ]);
  expect(calls()).toBe(1);
});

test("sends everybody away when it is closed, and takes nobody any more", async () => {
  const { door, came } = await opened();
  const { heard } = visitor(door, "one");
  await came;
  door.refuse();
  expect(await heard).toBe("");
  const late = connect(door.address);
  const [error] = await once(late, "error");
  expect(error).toMatchObject({ code: "ECONNREFUSED" });
});

test("outlives one who goes away while it waits", async () => {
  const { door, came } = await opened();
  const { socket } = visitor(door, "one");
  await came;
  socket.resetAndDestroy();
  await once(socket, "close");
  const { socket: second, heard } = visitor(door, "two");
  await once(second, "connect");
  await turns();
  door.leave();
  door.refuse();
  expect(await heard).toBe("");
});

test("says so when somebody else listens there", async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, HERE.host, resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  await expect(openDoor({ ...HERE, port }, () => undefined)).rejects.toMatchObject({
    code: "dashboard_unavailable",
  });
});
