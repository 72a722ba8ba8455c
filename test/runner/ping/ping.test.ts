// @module-tag slow
import { describe, expect, it } from "vitest";
import { type Answer, type Received, receiver } from "../../alerts/receiver.ts";
import { ollama } from "../../support/afk.ts";
import { harness, type Run } from "../harness.ts";

const TOKEN = "0f8b2a4e-1111-2222-3333-444455556666";

async function pinged(
  style: "healthchecks" | "uptime-kuma",
  run: Run,
  answer?: (request: Received, count: number) => Answer,
) {
  const usual: Answer = { body: style === "healthchecks" ? "OK" : '{"ok":true}' };
  const { url, received } = await receiver(answer ?? (() => usual));
  const path = style === "healthchecks" ? `/${TOKEN}` : `/api/push/${TOKEN}?status=up&msg=OK&ping=`;
  const made = await harness(run, { heartbeat: { ping_url: `${url}${path}`, style } });
  return { ...made, received, paths: () => received.map((one) => one.path.replace(TOKEN, "token")) };
}

const fine: Run = () => undefined;
const broken: Run = (context) => {
  context.log.event("warn", "source_failed", { source: "a feed" });
  throw new Error("it broke");
};

describe("healthchecks", () => {
  it("is told of a tick's start and of its good end, with what it did", async () => {
    const { agent, paths, received, target } = await pinged("healthchecks", fine);
    await agent.enqueue("work");
    await agent.tick();
    expect(paths()).toEqual(["/token/start", "/token"]);
    expect(received[1]?.body).toMatch(/^test-agent: tick ok; all is well; 1 units; \$0/);
    expect(received[1]?.body).toContain('"tick_finished"');
    expect(target.events()).not.toContain("ping_failed");
  });

  it("is told of a tick without work too: the agent is alive", async () => {
    const { agent, paths } = await pinged("healthchecks", fine);
    await agent.tick();
    expect(paths()).toEqual(["/token/start", "/token"]);
  });

  it("gets the exit code of a tick that failed, and the end of its log", async () => {
    const { agent, paths, received } = await pinged("healthchecks", broken);
    await agent.enqueue("work");
    expect(await agent.tick()).toMatchObject({ exitCode: 1 });
    expect(paths()).toEqual(["/token/start", "/token/1"]);
    expect(received[1]?.body).toMatch(/^test-agent: tick failed \(it broke\)/);
    expect(received[1]?.body).toContain('"source_failed"');
  });

  it("gets no more than it keeps", async () => {
    const { agent, received } = await pinged("healthchecks", (context) => {
      for (let i = 0; i < 90; i++) context.log.event("info", "note", { text: "ü€😀".repeat(400) });
      return undefined;
    });
    await agent.enqueue("work");
    await agent.tick();
    expect(Buffer.byteLength(received[1]?.body ?? "")).toBeLessThanOrEqual(100_000);
    expect(Buffer.byteLength(received[1]?.body ?? "")).toBeGreaterThan(99_990);
  });

  it.each<[string, Answer]>([
    ["200 and another word", { body: "OK (not found)" }],
    ["200 and a page", { body: "<html>sign in</html>" }],
    ["404", { status: 404, body: "not found" }],
    ["a redirect", { status: 302, headers: { location: "/elsewhere" }, body: "OK" }],
  ])("that answers %s is one line in the log, without the address", async (_, answer) => {
    const { agent, target, paths } = await pinged("healthchecks", fine, ({ path }) => ({
      ...answer,
      body: `${answer.body === "OK" ? "OK" : answer.body} ${path}`,
    }));
    expect(await agent.tick()).toMatchObject({ outcome: "idle", exitCode: 0 });
    expect(paths()).toHaveLength(2);
    const failed = target.logs().filter(({ event }) => event === "ping_failed");
    expect(failed).toHaveLength(1);
    expect(JSON.stringify(failed)).not.toContain(TOKEN);
    expect(target.query("select value > 0 as failing from meta where key = 'ping_failed_at'")).toEqual([
      { failing: 1 },
    ]);
  });
});

describe("Uptime Kuma", () => {
  it("is told once, at the end, and what stands in its address is replaced", async () => {
    const { agent, paths, target } = await pinged("uptime-kuma", fine);
    await agent.tick();
    expect(paths()).toEqual([
      expect.stringMatching(/^\/api\/push\/token\?status=up&msg=test-agent%3A\+tick\+idle.*&ping=\d+$/),
    ]);
    expect(target.events()).not.toContain("ping_failed");
  });

  it("is told that a tick failed", async () => {
    const { agent, paths } = await pinged("uptime-kuma", broken);
    await agent.enqueue("work");
    await agent.tick();
    expect(paths()).toEqual([expect.stringContaining("status=down&msg=test-agent%3A+tick+failed")]);
  });

  it("that says no under a 200 is not believed", async () => {
    const { agent, target } = await pinged("uptime-kuma", fine, () => ({
      body: '{"ok":false,"msg":"Monitor not found or not active."}',
    }));
    await agent.tick();
    expect(target.logs()).toContainEqual(
      expect.objectContaining({ event: "ping_failed", error: expect.stringContaining("but not accepted") }),
    );
  });
});

describe("an agent that somebody stopped", () => {
  it("looks neither healthy nor late: it is down at once, with the reason, and then silent", async () => {
    const { agent, received, paths, target } = await pinged("healthchecks", fine);
    target.write("state/STOP", "");
    await agent.tick();
    expect(paths()).toEqual(["/token/fail"]);
    expect(received[0]?.body).toMatch(/^test-agent was stopped on purpose: the file .*STOP is there/);
    await agent.tick();
    expect(paths()).toHaveLength(1);
  });
});

describe("receivers that do not behave", () => {
  it("do not delay a model call, and cost a tick a bounded time", async () => {
    const order: string[] = [];
    const server = await ollama();
    const secondAnswer = Promise.withResolvers<void>();
    const [hooks, service] = [
      await receiver(async (_request, count) => {
        order.push("alert");
        if (count === 1) return { hang: "before" };
        // In the second tick it answers only once the model has: if the work waited for it, it would be given up.
        await secondAnswer.promise;
        return {};
      }),
      await receiver(({ path }) => {
        order.push(`ping ${path}`);
        return { hang: "before" };
      }),
    ];
    const { agent, clock, target } = await harness(
      async (context, count) => {
        await context.complete(`ask ${count}`, { messages: [{ role: "user", content: "Hello." }] });
        order.push("answer");
        if (count === 1) throw new Error("once");
        secondAnswer.resolve();
        return undefined;
      },
      {
        jobs: [{ name: "work", kind: "work", retry: { attempts: 1 } }],
        models: { chain: ["ollama/test-model"], providers: { ollama: { base_url: server.url } } },
        alerts: [{ type: "webhook", url: hooks.url }],
        heartbeat: { ping_url: `${service.url}/${TOKEN}` },
      },
    );
    await agent.enqueue("work", { key: "first" });
    const startedMs = performance.now();
    expect(await agent.tick()).toMatchObject({ outcome: "failed" });
    // The end of the ping and one alert, side by side: 5 s at most, and a second for the ping of the start.
    expect(performance.now() - startedMs).toBeLessThan(20_000);
    expect(order).toEqual([`ping /${TOKEN}/start`, "answer", ...order.slice(2)]);
    expect(order.slice(2).sort()).toEqual(["alert", `ping /${TOKEN}/1`]);

    clock.advance(60_000);
    await agent.enqueue("work", { key: "second" });
    expect(await agent.tick()).toMatchObject({ outcome: "ok", units: 1 });
    expect(server.requests).toHaveLength(2);
    expect(target.events()).toEqual(
      expect.arrayContaining(["alert_delayed", "alert_sent", "ping_failed", "job_done"]),
    );
  });

  it("do not hold back a tick that is killed while what was left over is being delivered", async () => {
    const hooks = await receiver(() => ({ hang: "before" }));
    const made = await harness(
      async (context) => {
        made.target.write("state/STOP", "");
        await new Promise((_resolve, reject) => {
          context.signal.addEventListener("abort", () => reject(context.signal.reason), { once: true });
        });
        return undefined;
      },
      { alerts: [{ type: "webhook", url: hooks.url }] },
    );
    await made.agent.store.atomically((trx) =>
      made.agent.outbox.announce(trx, {
        event: "tick_failed",
        title: "left over",
        message: "left over",
        subject: "",
        occurrence: "left over",
      }),
    );
    await made.agent.enqueue("work");
    const startedMs = performance.now();
    expect(await made.agent.tick()).toMatchObject({ outcome: "halted" });
    // A receiver that hangs is given 5 s, and a killed tick no more than a second for its alerts.
    expect(performance.now() - startedMs).toBeLessThan(5_000);
    expect(hooks.received.length).toBeGreaterThan(0);
  });
});
