// @module-tag processes
import { execFileSync } from "node:child_process";
import { createServer, type Server } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { chooseContainment } from "../../../src/jobs/containment/containment.ts";
import type { RunGateway } from "../../../src/jobs/job.ts";
import { harness } from "./harness.ts";

const { networkRefusal } = await chooseContainment(process.env.PATH);

async function listening(answer: string, host = "127.0.0.1"): Promise<Server & { port: number }> {
  const server = createServer((_request, response) => response.end(answer));
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  onTestFinished(() => void server.close());
  return Object.assign(server, { port: (server.address() as AddressInfo).port });
}

/** A gateway that answers everything with this. */
function gatewayOf(server: Server & { port: number }): RunGateway {
  return {
    url: `http://127.0.0.1:${server.port}`,
    service: { port: server.port, accept: (socket) => void server.emit("connection", socket) },
    key: "afk_key",
    maxOutputTokens: 1,
    aliases: [],
    requests: () => 1,
    costMicros: async () => 0,
    refusedBy: () => null,
    signal: new AbortController().signal,
    async [Symbol.asyncDispose]() {},
  };
}

/** Tries each of these, and prints one line for each: `NAME reached` or `NAME CODE`. */
const TRIES = `
import { createConnection } from "node:net";
import { createSocket } from "node:dgram";
import { lookup, Resolver } from "node:dns/promises";
const tries = JSON.parse(process.argv[2]);
const say = (name, what) => console.log(name + " " + what);
for (const [name, how] of Object.entries(tries)) {
  if (how.connect) await new Promise((done) => {
    const socket = createConnection(how.connect);
    const end = (what) => { say(name, what); socket.destroy(); done(); };
    socket.setTimeout(1500, () => end("timeout"));
    socket.once("connect", () => end("reached")).once("error", (error) => end(error.code));
  });
  if (how.udp) await new Promise((done) => {
    const socket = createSocket("udp4");
    socket.send("x", how.udp, how.host, (error) => { say(name, error ? error.code : "reached"); socket.close(); done(); });
  });
  if (how.dns) {
    const resolver = new Resolver({ timeout: 700, tries: 1 });
    resolver.setServers(how.servers);
    await resolver.resolve4(how.dns).then(() => say(name, "reached"), (error) => say(name, error.code));
  }
}
`;

describe.skipIf(networkRefusal !== null)("a network of its own", () => {
  test("has the gateway in it, at the address that it has outside, and nothing else", async () => {
    const gateway = gatewayOf(await listening("from the gateway"));
    const other = await listening("from another");
    const everywhere = await listening("from another", "0.0.0.0");
    const six = await listening("six", "::1");
    const byPath = createTcpServer();
    await new Promise<void>((resolve) => byPath.listen("\0afk-test-abstract", resolve));
    onTestFinished(() => void byPath.close());
    const udp = 53;
    const own = execFileSync("hostname", ["-I"], { encoding: "utf8" }).split(/\s+/)[0] || "10.0.0.1";
    const at = harness();
    const tries = {
      gateway: { connect: { host: "127.0.0.1", port: gateway.service.port } },
      loopback: { connect: { host: "127.0.0.1", port: other.port } },
      "loopback by another address": { connect: { host: "127.1.2.3", port: other.port } },
      "its own address": { connect: { host: own, port: everywhere.port } },
      "IPv6 loopback": { connect: { host: "::1", port: six.port } },
      "the private network": { connect: { host: "10.1.2.3", port: 80 } },
      "a metadata service": { connect: { host: "169.254.169.254", port: 80 } },
      "the internet": { connect: { host: "192.0.2.1", port: 443 } },
      "IPv6 elsewhere": { connect: { host: "2001:db8::1", port: 443 } },
      "an abstract socket": { connect: { path: "\0afk-test-abstract" } },
      "a datagram": { udp, host: "192.0.2.1" },
      "a name": { dns: "example.org", servers: ["192.0.2.53"] },
    };
    const result = await at.run([process.execPath, "tries.mjs", JSON.stringify(tries)], {
      settings: { gateway: true, network: "gateway", publish: true },
      files: { "tries.mjs": TRIES },
      gateway,
    });
    const lines = [...at.last().files.values()].join("").trim().split("\n");
    expect(lines[0]).toBe("gateway reached");
    expect(lines).toHaveLength(Object.keys(tries).length);
    expect(lines.filter((line) => line.endsWith("reached"))).toEqual(["gateway reached"]);
    expect(result.summary).not.toMatch(/agreement/);
    expect(at.last().events.find(({ event }) => event === "exec_started")?.fields).toMatchObject({
      network: "own",
      state: "hidden",
    });
  });
});

test("where it cannot be had the program is told of its gateway all the same, and the record says so", async () => {
  const gateway = gatewayOf(await listening("from the gateway"));
  const at = harness("marks");
  const result = await at.run(["sh", "-c", 'echo "$AFK_GATEWAY"'], {
    settings: { gateway: true, network: "gateway", publish: true },
    gateway,
  });
  expect([...at.last().files.values()].join("")).toBe(`${gateway.url}\n`);
  expect(result.summary).toMatch(/, network by agreement only$/);
  expect(at.last().events.find(({ event }) => event === "exec_started")?.fields).toMatchObject({
    network: "open",
    state: "visible",
    refusal: expect.stringContaining("setpriv"),
  });
});
