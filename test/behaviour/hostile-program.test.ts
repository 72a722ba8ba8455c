// @module-tag processes
// @module-tag slow
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { chooseContainment } from "../../src/jobs/containment/containment.ts";
import { until } from "../jobs/containment/harness.ts";
import { PROCESSES } from "../support/afk.ts";
import { freePort } from "../support/free-port.ts";
import { gatewayJob } from "../support/gateway-job.ts";

const { networkRefusal } = await chooseContainment(process.env.PATH);
const CONNECTIONS = 2_000;

/** Holds so many connections to the gateway and to the proxy open, and asks through both while they are, and when they are not. */
const FLOOD = `import { connect } from "node:net";
import { existsSync, writeFileSync } from "node:fs";
const portOf = (url) => Number(new URL(url).port);
async function hold(port) {
  const held = await Promise.all(Array.from({ length: ${CONNECTIONS} }, () => new Promise((done) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => done(socket)).on("error", () => done(null));
  })));
  return held.filter((each) => each !== null);
}
export async function prelude({ ask }) {
  const held = [...await hold(portOf(process.env.AFK_GATEWAY)), ...await hold(portOf(process.env.HTTP_PROXY))];
  writeFileSync("held", String(held.length));
  while (!existsSync("go")) await new Promise((done) => setTimeout(done, 20));
  await ask("during");
  for (const socket of held) socket.destroy();
  for (let tries = 0; tries < 100; tries += 1) {
    const reply = await fetch(process.env.SITE).catch(() => null);
    if (reply?.status === 200) { writeFileSync("reached", await reply.text()); break; }
    await new Promise((done) => setTimeout(done, 100));
  }
  return ["after"];
}`;

describe.skipIf(networkRefusal !== null)(
  "a program that opens 2,000 connections to its gateway and its proxy",
  () => {
    it("takes a bounded part of afk, and others are served", PROCESSES, async () => {
      const site = createServer((_request, response) => response.end("from the site"));
      await new Promise<void>((resolve) => site.listen(0, "127.0.0.2", resolve));
      onTestFinished(() => void site.close());
      const at = `127.0.0.2:${(site.address() as AddressInfo).port}`;
      const listen = `127.0.0.1:${await freePort()}`;
      const { target, seen } = await gatewayJob([], {
        prelude: FLOOD,
        job: { network: "allowlist", allow: [at], env: { SITE: `http://${at}/` } },
        gateway: { listen, clients: [{ name: "laptop" }] },
        egress: { allow: ["127.0.0.2"], allow_private: ["127.0.0.2"] },
      });
      const worker = target.start(["run"]);
      await until(() => existsSync(join(target.dir, "held")));
      expect(readdirSync(`/proc/${worker.pid}/fd`).length).toBeLessThan(2 * CONNECTIONS);
      expect((await fetch(`http://${listen}/v1/models`)).status).toBe(401);
      target.write("go", "");
      await worker.logged("job_done");
      expect(seen().map(({ word, status }) => [word, status])).toEqual([
        ["during", 200],
        ["after", 200],
      ]);
      expect(readFileSync(join(target.dir, "reached"), "utf8")).toBe("from the site");
      expect(readdirSync(`/proc/${worker.pid}/fd`).length).toBeLessThan(200);
    });
  },
);
