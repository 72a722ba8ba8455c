// @module-tag processes
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, it, onTestFinished } from "vitest";
import { startModelEndpoint } from "../../../src/faults/model-endpoint.ts";
import { acquireLock } from "../../../src/store/sqlite/lock.ts";
import { type Deployment, deployment, PROCESSES } from "../../support/afk.ts";
import { ask, gatewayConfig, startGateway } from "../../support/gateway-process.ts";

/** An agent with a gateway at a free port, in front of a scripted provider whose replies come slowly. */
async function scene() {
  const provider = await startModelEndpoint("openai");
  onTestFinished(() => provider.close());
  const config = (gateway?: Record<string, unknown>) => gatewayConfig(provider, gateway);
  const target = deployment(config());
  return { provider, target, config };
}

const entries = (target: Deployment) =>
  target.query<{ state: string; client: string }>("select state, client from ledger order by id");

const statusOf = async (url: string, text: string) => (await ask(url, { text })).status;

/** A stream that is in the middle: its first bytes have arrived. */
async function streaming(url: string) {
  const response = await ask(url, { stream: true });
  expect(response.status).toBe(200);
  const reader = response.body!.getReader();
  const first = new TextDecoder().decode((await reader.read()).value);
  return {
    async rest(): Promise<string> {
      let text = first;
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return text;
        text += new TextDecoder().decode(value);
      }
    },
  };
}

const SLOW = { type: "reply", text: "word ".repeat(2_000), everyMs: 50 } as const;

it(
  "stays up under a kill, ends the stream in flight with the protocol's error, and serves again after resume",
  PROCESSES,
  async () => {
    const { provider, target } = await scene();
    const { running, url } = await startGateway(target);
    expect(await statusOf(url, "first")).toBe(200);
    provider.script([SLOW]);
    const stream = await streaming(url);

    const began = performance.now();
    const stop = await target.afk(["stop", "--reason", "the bill looks odd"]);
    const text = await stream.rest();
    expect(performance.now() - began).toBeLessThan(20_000);
    expect(text).toContain("the bill looks odd");
    expect(text).not.toContain("[DONE]");
    expect(stop.code).toBe(0);
    expect(stop.stdout).toContain("no worker was at work");
    expect(stop.stdout).toContain(`its gateway (process ${running.pid}) stays up and refuses every request`);
    const before = provider.requests.length;
    const refused = await ask(url, { text: "second" });
    expect([refused.status, (await refused.text()).includes("the bill looks odd")]).toEqual([403, true]);
    expect(provider.requests).toHaveLength(before);
    await running.logged("kill_seen");

    expect((await target.afk(["resume"])).code).toBe(0);
    await running.logged("gateway_resumed");
    expect(await statusOf(url, "third")).toBe(200);

    // And once more, by the file.
    writeFileSync(join(target.state, "STOP"), "");
    expect(await statusOf(url, "fourth")).toBe(403);
    rmSync(join(target.state, "STOP"));
    await expect.poll(() => statusOf(url, "fifth"), { timeout: 20_000 }).toBe(200);

    running.kill("SIGTERM");
    expect(await running.ended).toMatchObject({ code: 0, signal: null });
    expect(entries(target).map(({ state }) => state)).toEqual(["settled", "unknown", "settled", "settled"]);
  },
);

it(
  "ends at SIGTERM within its grace, with a stream in flight and with a client that never finishes its request",
  PROCESSES,
  async () => {
    const { provider, target } = await scene();
    provider.script([SLOW]);
    const { running, url } = await startGateway(target);
    const { hostname, port } = new URL(url);
    const idle = connect(Number(port), hostname);
    onTestFinished(() => void idle.destroy());
    idle.on("error", () => undefined);
    idle.write("POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\ncontent-length: 1000\r\n\r\n{");
    const stream = await streaming(url);
    const began = performance.now();
    running.kill("SIGTERM");
    const text = await stream.rest();
    expect(text).toContain('"error"');
    expect(text).not.toContain("[DONE]");
    expect(await running.ended).toMatchObject({ code: 0, signal: null });
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(entries(target)).toEqual([{ state: "unknown", client: "laptop" }]);
  },
);

it(
  "a start after kill -9 ends what its predecessor had under way, and the cap keeps it",
  PROCESSES,
  async () => {
    const { provider, target } = await scene();
    provider.script([SLOW]);
    const { running, url } = await startGateway(target);
    const stream = await streaming(url);
    running.kill("SIGKILL");
    await stream.rest().catch(() => undefined);
    await running.ended;
    expect(entries(target)).toEqual([{ state: "sending", client: "laptop" }]);
    const again = await startGateway(target);
    expect(entries(target)).toEqual([{ state: "unknown", client: "laptop" }]);
    expect(await statusOf(again.url, "second")).toBe(200);
    expect((await target.afk(["doctor", "--offline", "--json"])).stdout).toContain("gateway");
    again.running.kill("SIGTERM");
    expect((await again.running.ended).code).toBe(0);
  },
);

it(
  "refuses to be served twice, and says by whom it is; a port that is taken is named",
  PROCESSES,
  async () => {
    const { target, config } = await scene();
    const { running, url } = await startGateway(target);
    const second = await target.afk(["gateway"]);
    expect(second.code).toBe(75);
    expect(second.stderr).toContain(`served already, by process ${running.pid}`);
    const { port } = new URL(url);
    const other = deployment({ ...config({ listen: `127.0.0.1:${port}` }), agent: "other" });
    const taken = await other.afk(["gateway"]);
    expect(taken.code).toBe(69);
    expect(taken.stderr).toContain(port);
    running.kill("SIGTERM");
    expect((await running.ended).code).toBe(0);
  },
);

it(
  "refuses an address that other machines reach, unless it is told what is in front of it",
  PROCESSES,
  async () => {
    const { target } = await scene();
    const open = await target.afk(["gateway", "--listen", "0.0.0.0:0"]);
    expect(open.code).toBe(2);
    expect(open.stderr).toContain("--behind-proxy");
    const { running } = await startGateway(target, ["gateway", "--listen", "0.0.0.0:0", "--behind-proxy"]);
    running.kill("SIGTERM");
    expect((await running.ended).code).toBe(0);
  },
);

it(
  "takes over clients and caps while it runs, ticks go on beside it, and its alerts get out",
  PROCESSES,
  async () => {
    const { target, config } = await scene();
    const alerts = [{ type: "webhook", url: `${(await receiver()).url}/topic` }];
    const { running, url } = await startGateway(target);
    expect((await ask(url, { key: "the-key-of-another-client-0123456789" })).status).toBe(401);
    target.configure({
      ...config({ clients: [{ name: "other", key: "the-key-of-another-client-0123456789" }] }),
      alerts,
    });
    await expect
      .poll(async () => (await ask(url, { key: "the-key-of-another-client-0123456789" })).status, {
        timeout: 30_000,
      })
      .toBe(200);
    expect((await ask(url)).status).toBe(401);
    expect((await target.afk(["tick"])).code).toBe(0);

    target.configure({
      ...config({ clients: [{ name: "other", key: "the-key-of-another-client-0123456789" }] }),
      budget: { daily_cap_usd: 0 },
      alerts,
    });
    await expect
      .poll(async () => (await ask(url, { key: "the-key-of-another-client-0123456789" })).status, {
        timeout: 30_000,
      })
      .toBe(402);
    await running.logged("cap_hit");
    await running.logged("alert_sent");
    running.kill("SIGTERM");
    expect((await running.ended).code).toBe(0);
  },
);

it(
  "afk run serves it beside the loop, stays up under a kill, and goes on with the loop after resume",
  PROCESSES,
  async () => {
    const { provider, target } = await scene();
    const { running, url } = await startGateway(target, ["run"]);
    await running.logged("tick_finished");
    expect(await statusOf(url, "first")).toBe(200);
    const stop = await target.afk(["stop", "--json"]);
    expect(JSON.parse(stop.stdout)).toMatchObject({
      worker: { wasAtWork: true, isGone: true, pid: running.pid },
      gateway: { pid: running.pid, isSuspended: false },
    });
    expect(stop.code).toBe(0);
    expect(await statusOf(url, "second")).toBe(403);
    expect(provider.requests).toHaveLength(1);
    await running.logged("run_ended");
    const ticks = target.events().filter((event) => event === "tick_started").length;
    // Work by hand that has the lock when the loop wants to go on keeps nobody from being served.
    const byHand = acquireLock(join(target.state, "lock.db"));
    expect((await target.afk(["resume"])).code).toBe(0);
    await running.logged("gateway_resumed");
    expect(await statusOf(url, "third")).toBe(200);
    byHand.release();
    await expect
      .poll(() => target.events().filter((event) => event === "tick_started").length, { timeout: 30_000 })
      .toBeGreaterThan(ticks);
    expect(await statusOf(url, "fourth")).toBe(200);
    running.kill("SIGTERM");
    expect(await running.ended).toMatchObject({ code: 0, signal: null });
  },
);

it("afk run without it, or beside another, does as ever", PROCESSES, async () => {
  const { target } = await scene();
  const { running } = await startGateway(target);
  const loop = target.start(["run"]);
  await loop.logged("gateway_elsewhere");
  await loop.logged("tick_finished");
  expect((await target.afk(["stop"])).code).toBe(0);
  expect(await loop.ended).toMatchObject({ code: 0, signal: null });
  expect((await target.afk(["resume"])).code).toBe(0);
  const alone = target.start(["run", "--no-gateway"]);
  await alone.logged("tick_finished");
  expect((await target.afk(["stop"])).code).toBe(0);
  expect(await alone.ended).toMatchObject({ code: 0, signal: null });
  running.kill("SIGTERM");
  expect((await running.ended).code).toBe(0);
});

it("afk run whose address is taken leaves the gateway to another process", PROCESSES, async () => {
  const { target, config } = await scene();
  const { running, url } = await startGateway(target);
  const listen = `127.0.0.1:${new URL(url).port}`;
  const other = deployment({ ...config({ listen }), agent: "other" });
  const loop = other.start(["run"]);
  await loop.logged("gateway_unavailable");
  await loop.logged("tick_finished");
  const beside = await startGateway(other, ["gateway", "--listen", "127.0.0.1:0"]);
  expect(await statusOf(beside.url, "first")).toBe(200);
  for (const each of [beside.running, loop, running]) {
    each.kill("SIGTERM");
    expect((await each.ended).code).toBe(0);
  }
});

const HANGING = {
  NODE_OPTIONS: `--import=${new URL("hang-on-signal.mjs", import.meta.url).href}`,
};

it(
  "stays up under a set switch for as long as it answers, and is killed soon when it hangs then",
  PROCESSES,
  async () => {
    const { provider, target } = await scene();
    const { running, url } = await startGateway(target, ["gateway"], HANGING);
    provider.script([SLOW]);
    const stream = await streaming(url);
    writeFileSync(join(target.state, "STOP"), "");
    expect(await stream.rest()).toContain('"error"');
    // Longer than any process may take that has to end.
    for (let second = 0; second < 13; second++) {
      expect(await statusOf(url, `at ${second}`)).toBe(403);
      await new Promise((resolve) => setTimeout(resolve, 1_000));
    }
    const began = performance.now();
    running.kill("SIGUSR2");
    expect(await running.ended).toMatchObject({ code: null, signal: "SIGKILL" });
    expect(performance.now() - began).toBeLessThan(30_000);
    expect(JSON.parse(readFileSync(join(target.state, "wedged.json"), "utf8")).reason).toContain(
      "kill switch",
    );
  },
);

it("that hangs is killed after SIGTERM too", PROCESSES, async () => {
  const { target } = await scene();
  const { running } = await startGateway(target, ["gateway"], HANGING);
  running.kill("SIGUSR2");
  // The system may hand over two signals in either order, and a process that has ended its work needs no guard.
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  running.kill("SIGTERM");
  expect(await running.ended).toMatchObject({ code: null, signal: "SIGKILL" });
});

it("ends when files of the state are replaced under it: nobody may be served by two", PROCESSES, async () => {
  const { provider, target } = await scene();
  const { running, url } = await startGateway(target);
  expect(await statusOf(url, "first")).toBe(200);
  rmSync(join(target.state, "gateway-lock.db"));
  const answers = await Promise.allSettled([statusOf(url, "second"), statusOf(url, "third")]);
  for (const answer of answers) if (answer.status === "fulfilled") expect(answer.value).toBe(403);
  expect(provider.requests).toHaveLength(1);
  const { code, stderr } = await running.ended;
  expect(code).toBe(1);
  expect(stderr).toContain("gateway-lock.db was moved or deleted");
});

it("stays up when it is killed while another program keeps the database", PROCESSES, async () => {
  const { target } = await scene();
  const { running, url } = await startGateway(target);
  const other = new Database(join(target.state, "afk.db"));
  onTestFinished(() => void other.close());
  other.exec("begin immediate");
  writeFileSync(join(target.state, "STOP"), "");
  await running.logged("gateway_error");
  other.exec("commit");
  expect(await statusOf(url, "second")).toBe(403);
  rmSync(join(target.state, "STOP"));
  await expect.poll(() => statusOf(url, "third"), { timeout: 30_000 }).toBe(200);
  running.kill("SIGTERM");
  expect((await running.ended).code).toBe(0);
});

it(
  "afk restore refuses while it is at work, and afk health tells whether it answers",
  PROCESSES,
  async () => {
    const { target } = await scene();
    const { running, url } = await startGateway(target);
    expect((await target.afk(["backup", join(target.dir, "copy.db")])).code).toBe(0);
    const restored = await target.afk(["restore", join(target.dir, "copy.db")]);
    expect(restored.code).toBe(75);
    expect(restored.stderr).toContain("gateway-lock.db is locked");
    const { host } = new URL(url);
    expect(await target.afk(["health", "--gateway", host])).toMatchObject({ code: 0 });
    running.kill("SIGTERM");
    expect((await running.ended).code).toBe(0);
    const gone = await target.afk(["health", "--gateway", host]);
    expect(gone.code).toBe(1);
    expect(gone.stdout).toContain(`no gateway answers at ${url}`);
  },
);

/** Takes every alert. */
async function receiver() {
  const server = await startModelEndpoint("openai", {
    answer: (_request, response) => {
      response.writeHead(200).end("{}");
      return true;
    },
  });
  onTestFinished(() => server.close());
  return server;
}
