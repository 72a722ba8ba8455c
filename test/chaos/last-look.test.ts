import { writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { createSecureContext, TLSSocket } from "node:tls";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { createChain } from "../../src/providers/chain.ts";
import { readBreaker } from "../../src/rails/breaker.ts";
import { clearKill, setKill } from "../../src/rails/kill.ts";
import { chainConfig } from "../providers/chain-config.ts";
import { deployment, digestConfig, fillInbox, PROCESSES } from "../support/afk.ts";
import { certificate } from "../support/certificate.ts";
import { cases, chaosSeed, patience, report } from "../support/chaos.ts";
import { alerts, besides, counters, entries, testRails, thrown } from "../support/rails.ts";
import { seededRandomness } from "../support/seeded.ts";

/** The kill watch looks every 250 ms, so a switch that is set within this time of the first byte may be news to it. */
const GAP_MS = 200;

it(
  "lets no byte of a request leave when the switch is set while the connection is made",
  async () => {
    vi.stubEnv("NODE_TLS_REJECT_UNAUTHORIZED", "0");
    onTestFinished(() => void vi.unstubAllEnvs());
    const { random } = seededRandomness(chaosSeed("the last look"));
    const rails = await testRails();
    const other = await besides(rails);
    const server = await slowHandshakes();
    const chain = createChain(rails, chainConfig(["openai/test"], { openai: server.url }));
    const requests = cases({ test: 20, chaos: 1_000 });
    for (let n = 0; n < requests; n++) {
      const setByRow = () =>
        other.store.atomically((trx) => setKill(trx, other.outbox.announce, `case ${n}`, n + 1));
      const isFile = n % 2 === 0;
      server.duringHandshake(async () => {
        if (isFile) writeFileSync(rails.stopFile, "");
        else await setByRow();
        await delay(random() * (n % 4 < 2 ? 20 : GAP_MS));
      });
      const asked = chain.complete(
        { messages: [{ role: "user", content: `Case ${n}` }] },
        { scope: { tick: null, job: null }, log: rails.log },
      );
      expect(await thrown(asked)).toMatchObject({ kill: { by: isFile ? "file" : "row" } });
      await rails.store.atomically((trx) => clearKill(trx, rails.stopFile));
      rails.watch = (await besides(rails)).watch;
    }
    expect(server.received()).toBe("");
    // Nothing was sent, so nothing is charged, and the model is none the worse for it.
    expect((await entries(rails)).map(({ state }) => state)).toEqual(Array(requests).fill("released"));
    expect(Object.values(await counters(rails, "day"))).toEqual(["0/0"]);
    expect(await readBreaker(rails.store.db, "model:openai/test")).toEqual({ state: "closed", failures: 0 });
    expect((await alerts(rails, "kill_set")).length).toBeGreaterThan(0);
    report("the last look", requests);
  },
  patience({ test: 180_000, chaos: 1_800_000 }),
);

describe("a real process", () => {
  it.each(["the STOP file", "afk stop", "SIGTERM"])(
    "sends nothing on a connection that stands after %s",
    PROCESSES,
    async (by) => {
      const server = await slowHandshakes();
      const target = deployment(
        digestConfig("", {
          models: {
            chain: ["openai/test"],
            providers: { openai: { base_url: `${server.url}/v1` } },
            prices: { "openai/test": { input: 1, output: 4 } },
          },
        }),
      );
      fillInbox(target, 1);
      const running = target.start(["tick"], { NODE_TLS_REJECT_UNAUTHORIZED: "0" });
      let stopped: ReturnType<typeof target.afk> | undefined;
      server.duringHandshake(async () => {
        if (by === "the STOP file") writeFileSync(join(target.state, "STOP"), "");
        if (by === "afk stop") stopped = target.afk(["stop"]);
        if (by === "SIGTERM") running.kill("SIGTERM");
        await Promise.all([stopped, delay(by === "SIGTERM" ? 20 : 0)]);
      });
      expect(await running.ended).toMatchObject({ code: 0, signal: null });
      if (stopped !== undefined) expect(await stopped).toMatchObject({ code: 0 });
      expect(server.received()).toBe("");
      expect(target.query("select state from ledger")).toEqual([{ state: "released" }]);
    },
  );
});

/** A server over TLS that takes a connection at once and its greeting only after `meanwhile`. */
async function slowHandshakes() {
  const secureContext = createSecureContext(certificate());
  const sockets = new Set<Socket>();
  let received = "";
  let meanwhile: () => Promise<void> = async () => undefined;
  const server = createServer(async (socket) => {
    sockets.add(socket.on("error", () => undefined));
    await meanwhile();
    if (socket.destroyed) return;
    const secure = new TLSSocket(socket, { isServer: true, secureContext });
    secure.on("error", () => undefined);
    secure.on("data", (bytes) => {
      received += bytes;
      secure.end("HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n");
    });
  });
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("it listens on no port");
  return {
    url: `https://127.0.0.1:${address.port}`,
    received: () => received,
    duringHandshake(work: () => Promise<void>) {
      meanwhile = work;
    },
  };
}
