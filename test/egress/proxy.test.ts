// @module-tag processes
import { execFile } from "node:child_process";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";
import { describe, expect, onTestFinished, test } from "vitest";
import { proxyRules } from "../../src/egress/proxy-rules.ts";
import { openProxy } from "../../src/http/proxy.ts";

const KEY = "the-key-of-the-run";

async function site(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<number> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

interface Setup {
  allow: string[];
  allowPrivate?: string[];
  providers?: string[];
  ownPorts?: number[];
  /** What names resolve to, one answer after the other; the last one stays. */
  names?: Record<string, string[][]>;
}

async function proxy({ allow, allowPrivate = [], providers = [], ownPorts = [], names = {} }: Setup) {
  const refused: string[] = [];
  const asked: string[] = [];
  const rules = proxyRules(
    { allow, allowPrivate, providers, ownPorts, listName: "allow of the job" },
    async (hostname) => {
      asked.push(hostname);
      const answers = names[hostname] ?? [["127.0.0.1"]];
      const addresses = answers.length > 1 ? answers.shift() : answers[0];
      return (addresses ?? []).map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
    },
  );
  const opened = await openProxy({
    rules,
    key: KEY,
    onRefused: (host, why) => refused.push(`${host} ${why}`),
  });
  onTestFinished(() => opened.close());
  const address = `http://run:${KEY}@127.0.0.1:${opened.port}`;
  return {
    ...opened,
    refused,
    asked,
    address,
    curl: (...words: string[]) => curl(["-x", address, ...words]),
  };
}

async function curl(words: string[]): Promise<{ status: string; body: string }> {
  const every = ["-sS", "-m", "20", "-w", "\n%{http_code} %{http_connect}", ...words];
  const { stdout } = await promisify(execFile)("curl", every, { env: { PATH: process.env.PATH } }).catch(
    (error) => error,
  );
  const at = stdout.lastIndexOf("\n");
  return { body: stdout.slice(0, at), status: stdout.slice(at + 1) };
}

describe("a filtering proxy", () => {
  test("reaches a host that is allowed, by CONNECT and by a whole address, and counts what passed", async () => {
    const port = await site((request, response) => response.end(`${request.headers.host} ${request.url}`));
    const at = await proxy({ allow: [`good.example.org:${port}`], allowPrivate: ["good.example.org"] });
    const url = `http://good.example.org:${port}/a?b=c`;
    expect(await at.curl(url)).toEqual({ status: "200 000", body: `good.example.org:${port} /a?b=c` });
    expect(await at.curl("--proxytunnel", url)).toEqual({
      status: "200 200",
      body: `good.example.org:${port} /a?b=c`,
    });
    expect(at.traffic()).toMatchObject({ requests: 2 });
    expect(at.traffic().bytesReceived).toBeGreaterThan(100);
    expect(at.refused).toEqual([]);
  });

  test("hands on no header that is the proxy's, and not its key", async () => {
    const port = await site((request, response) => response.end(JSON.stringify(request.headers)));
    const at = await proxy({ allow: [`good.example.org:${port}`], allowPrivate: ["good.example.org"] });
    const { body } = await at.curl(
      "-H",
      "Connection: x-one",
      "-H",
      "X-One: 1",
      "-H",
      "X-Two: 2",
      `http://good.example.org:${port}/`,
    );
    expect(Object.keys(JSON.parse(body)).sort()).toEqual([
      "accept",
      "connection",
      "host",
      "user-agent",
      "x-two",
    ]);
  });

  test.each([
    [
      "a host that is not listed",
      "http://evil.example.org/",
      "evil.example.org:80",
      /add evil\.example\.org to allow of the job/,
    ],
    [
      "a port that is not listed",
      "http://good.example.org:8080/",
      "good.example.org:8080",
      /add good\.example\.org:8080/,
    ],
    ["an address that is private", "http://10.0.0.1/", "10.0.0.1:80", /not a public address/],
    ["an address in another spelling", "http://2130706433/", "127.0.0.1:80", /not allowed/],
    ["loopback by IPv6", "http://[::1]/", "[::1]:80", /not allowed/],
    ["a metadata service", "http://169.254.169.254/", "169.254.169.254:80", /not a public address/],
    [
      "a name at a private address",
      "http://inside.example.org/",
      "inside.example.org:80",
      /inside\.example\.org is at 192\.168\.0\.1/,
    ],
    [
      "a name one of whose addresses is private",
      "http://mixed.example.org/",
      "mixed.example.org:80",
      /10\.9\.8\.7/,
    ],
    ["a provider of models", "https://api.anthropic.com/", "api.anthropic.com:443", /gateway alone/],
    [
      "a provider with a dot behind it",
      "https://api.anthropic.com./",
      "api.anthropic.com:443",
      /gateway alone/,
    ],
  ])("refuses %s, and says so", async (_name, url, host, why) => {
    const at = await proxy({
      allow: [
        "good.example.org",
        "10.0.0.1",
        "169.254.169.254",
        "inside.example.org",
        "mixed.example.org",
        "*.anthropic.com",
      ],
      providers: ["api.anthropic.com"],
      names: { "inside.example.org": [["192.168.0.1"]], "mixed.example.org": [["8.8.8.8", "10.9.8.7"]] },
    });
    const { status, body } = await at.curl(url);
    expect(status).toMatch(url.startsWith("https") ? /^000 403/ : /^403/);
    if (!url.startsWith("https")) expect(body).toMatch(why);
    expect(at.refused).toHaveLength(1);
    expect(at.refused[0]).toMatch(why);
    expect(at.refused[0]?.startsWith(`${host} `)).toBe(true);
  });

  test("resolves a name once for a connection, and goes to the address that it checked", async () => {
    const port = await site((_request, response) => response.end("here"));
    const at = await proxy({
      allow: [`turn.example.org:${port}`],
      allowPrivate: ["turn.example.org"],
      // Who asked again would be led to the metadata service.
      names: { "turn.example.org": [["127.0.0.1"], ["169.254.169.254"]] },
    });
    expect((await at.curl(`http://turn.example.org:${port}/`)).body).toBe("here");
    expect(at.asked).toEqual(["turn.example.org"]);
    expect((await at.curl(`http://turn.example.org:${port}/`)).status).toMatch(/^403/);
    expect(at.refused[0]).toMatch(/turn\.example\.org is at 169\.254\.169\.254/);
  });

  test("follows no redirect: the next host is asked for anew, and refused", async () => {
    const port = await site((_request, response) =>
      response.writeHead(302, { location: "http://evil.example.org/" }).end(),
    );
    const at = await proxy({ allow: [`good.example.org:${port}`], allowPrivate: ["good.example.org"] });
    const { status } = await at.curl("-L", `http://good.example.org:${port}/`);
    expect(status).toMatch(/^403/);
    expect(at.refused[0]).toMatch(/^evil\.example\.org:80 /);
  });

  test("never leads to afk's own ports, though the host may be private", async () => {
    const port = await site((_request, response) => response.end("own"));
    const at = await proxy({
      allow: [`me.example.org:${port}`, `127.0.0.1:${port}`],
      allowPrivate: ["me.example.org", "127.0.0.1"],
      ownPorts: [port],
    });
    for (const host of ["me.example.org", "127.0.0.1"])
      expect((await at.curl(`http://${host}:${port}/`)).status).toMatch(/^403/);
  });

  test("is nobody's who comes over the machine's network without the run's key", async () => {
    const port = await site((_request, response) => response.end("here"));
    const at = await proxy({ allow: [`good.example.org:${port}`], allowPrivate: ["good.example.org"] });
    for (const address of [`http://127.0.0.1:${at.port}`, `http://run:wrong@127.0.0.1:${at.port}`])
      expect((await curl(["-x", address, `http://good.example.org:${port}/`])).status).toMatch(/^407/);
    expect(at.asked).toEqual([]);
  });

  test("cuts what is under way when it closes", async () => {
    const port = await site((_request, response) => void response.write("begun"));
    const at = await proxy({ allow: [`good.example.org:${port}`], allowPrivate: ["good.example.org"] });
    const running = at.curl("-N", `http://good.example.org:${port}/`);
    await expect.poll(() => at.traffic().requests).toBe(1);
    await at.close();
    expect((await running).body).not.toMatch(/end/);
  });
});
