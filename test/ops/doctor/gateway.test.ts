import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { gateway } from "../../../src/ops/doctor/gateway.ts";
import { acquireLock } from "../../../src/store/sqlite/lock.ts";
import { opsHarness } from "../harness.ts";
import { hostWith, only } from "./harness.ts";

/** The check with a gateway that is asked for at `port`, and the lock of one. */
async function subject(port: number | null) {
  const { config, rails } = await opsHarness();
  const gatewayLock = join(rails.dir, "gateway-lock.db");
  const listen = port === null ? null : { host: "127.0.0.1", port };
  const changed = {
    ...config,
    paths: { ...config.paths, gatewayLock },
    gateway: { ...config.gateway, listen },
  };
  return {
    look: () => gateway({ config: changed, clock: rails.clock, host: hostWith() }),
    hold() {
      const lock = acquireLock(gatewayLock);
      onTestFinished(() => lock.release());
    },
  };
}

/** A server that answers, and its port; `close` leaves the port to nobody. */
async function answering() {
  const server = createServer((_request, response) => void response.writeHead(401).end());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = () => new Promise((resolve) => void server.close(resolve));
  onTestFinished(async () => void (server.listening && (await close())));
  return { port: (server.address() as AddressInfo).port, close };
}

test("there is nothing to say where no gateway is asked for", async () => {
  const { look } = await subject(null);
  expect(await look()).toEqual([]);
});

test("one that is served and answers is well", async () => {
  const { port } = await answering();
  const { look, hold } = await subject(port);
  hold();
  expect(only(await look())).toMatchObject({
    result: "ok",
    found: expect.stringContaining(`serves http://127.0.0.1:${port}`),
  });
});

test("one that nobody serves is told of", async () => {
  const { port, close } = await answering();
  await close();
  const { look } = await subject(port);
  expect(only(await look())).toMatchObject({
    result: "warn",
    found: `nobody serves http://127.0.0.1:${port}`,
    mend: expect.stringContaining("afk gateway"),
  });
});

test("a port that another program has is bad", async () => {
  const { port } = await answering();
  const { look } = await subject(port);
  expect(only(await look())).toMatchObject({
    result: "bad",
    found: expect.stringContaining("another program answers"),
  });
});

test("one that is served and does not answer there is told of, with where to look", async () => {
  const { port, close } = await answering();
  await close();
  const { look, hold } = await subject(port);
  hold();
  expect(only(await look())).toMatchObject({
    result: "warn",
    found: expect.stringContaining("does not answer"),
    mend: expect.stringContaining("gateway_started"),
  });
});
