import { Socket } from "node:net";
import type { buildConnector } from "undici";
import { expect, test } from "vitest";
import { connectOnce } from "../../src/egress/send-once.ts";

const OPTIONS = { hostname: "a.test", protocol: "http:", port: "80" };

function asked(connector: buildConnector.connector): Promise<[Error | null, Socket | null]> {
  return new Promise((resolve) => connector(OPTIONS, (...given) => resolve(given)));
}

test("a connection is made once, whatever is asked for later", async () => {
  const socket = new Socket();
  let made = 0;
  const { connector, isMade } = connectOnce((_options, callback) => {
    made += 1;
    callback(null, socket);
  }, new AbortController().signal);
  expect(isMade()).toBe(false);
  expect(await asked(connector)).toEqual([null, socket]);
  expect(isMade()).toBe(true);
  const [error] = await asked(connector);
  expect(error?.message).toContain("not made twice");
  expect(made).toBe(1);
  socket.destroy();
});

test("a connection that failed is not made, and not tried again", async () => {
  let tried = 0;
  const { connector, isMade } = connectOnce((_options, callback) => {
    tried += 1;
    callback(new Error("refused"), null);
  }, new AbortController().signal);
  expect((await asked(connector))[0]?.message).toBe("refused");
  expect((await asked(connector))[0]?.message).toContain("not made twice");
  expect([tried, isMade()]).toEqual([1, false]);
});

test("a connection that stands only after the abort is given to nobody", async () => {
  const socket = new Socket();
  const stop = new AbortController();
  const { connector, isMade } = connectOnce((_options, callback) => {
    stop.abort();
    callback(null, socket);
  }, stop.signal);
  expect((await asked(connector))[0]).toBeInstanceOf(Error);
  expect([isMade(), socket.destroyed]).toEqual([false, true]);
});
