// @module-tag processes
// @module-tag slow
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { openAgent } from "../../src/agent.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { type Received, receiver } from "../alerts/receiver.ts";
import { deployment } from "../support/afk.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { tempDir } from "../support/temp.ts";
import { harness } from "./harness.ts";

const eventsOf = (received: Received[]) => received.map(({ body }) => JSON.parse(body).event as string);

/** Waits in real time until something is so; the test's own time-out is the limit. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await systemClock.sleep(10);
}

const BASE = { agent: "a", budget: { daily_cap_usd: 1 }, models: { chain: ["extractive"] } };
const hook = (url: string) => [{ type: "webhook", url }];

describe("during a tick", () => {
  test("50 % of the cap is told of while the job still works, not at its end", async () => {
    const { url, received } = await receiver();
    const at = await harness(
      async () => {
        for (let call = 0; call < 6; call++) {
          await at.agent.guard("api", 0.1, async () => ({ value: null, costUsd: 0.1 }));
        }
        await until(() => received.length > 0);
        expect(eventsOf(received)).toEqual(["threshold_cross"]);
        expect(JSON.parse(received[0]?.body ?? "")).toMatchObject({ threshold: 0.5, pct: 50 });
        return undefined;
      },
      { alerts: hook(url) },
    );
    expect(await at.agent.tick({ now: "work" })).toMatchObject({ outcome: "ok" });
    expect(received).toHaveLength(1);
  });

  test("a channel that hangs keeps neither a call nor another channel waiting", async () => {
    const [hanging, well] = [await receiver(() => ({ hang: "before" })), await receiver()];
    const order: string[] = [];
    const at = await harness(
      async () => {
        await at.agent.guard("api", 0.5, async () => ({ value: null, costUsd: 0.5 }));
        await until(() => hanging.received.length === 1 && well.received.length === 1);
        // The hanging request is still open.
        for (const share of [0.3, 0.1])
          await at.agent.guard("api", share, async () => ({ value: null, costUsd: share }));
        order.push("calls");
        await until(() => well.received.length === 2);
        order.push("80 %");
        return undefined;
      },
      { alerts: [...hook(hanging.url), ...hook(well.url)] },
    );
    await at.agent.tick({ now: "work" });
    expect(order).toEqual(["calls", "80 %"]);
  });

  test("what another process writes is noticed", async () => {
    const { url, received } = await receiver();
    const at = await harness(
      async () => {
        // Knows of no channel, as a command in a shell without ALERT_WEBHOOK.
        at.target.configure({ ...BASE, agent: "test-agent" });
        const other = await openAgent({
          config: at.target.configFile,
          state: at.target.state,
          environment: {},
        });
        await other.store.atomically((trx) =>
          other.outbox.announce(trx, {
            event: "cap_hit",
            title: "t",
            message: "m",
            subject: "",
            occurrence: "1",
          }),
        );
        await other.close();
        await until(() => received.length === 1);
        return undefined;
      },
      { alerts: hook(url) },
    );
    await at.agent.tick({ now: "work" });
    expect(eventsOf(received)).toEqual(["cap_hit"]);
  });

  test("a kill switch that is set meanwhile is told of, and the end waits for no receiver that hangs", async () => {
    const { url, received } = await receiver(() => ({ hang: "before" }));
    const at = await harness(
      async ({ signal }) => {
        writeFileSync(join(at.target.state, "STOP"), "");
        await systemClock.sleep(60_000, signal).catch(() => undefined);
        return undefined;
      },
      { alerts: hook(url) },
    );
    const began = performance.now();
    await at.agent.tick({ now: "work" });
    await at.agent.tick({ now: "work" });
    expect(eventsOf(received)).toEqual(["kill_set"]);
    expect(performance.now() - began).toBeLessThan(20_000);
  });
});

describe("with the library alone", () => {
  test("an alert of guard() goes out without a tick, and before the end", async () => {
    const { url, received } = await receiver();
    const target = deployment({ ...BASE, alerts: hook(url) });
    const place = { config: target.configFile, state: target.state, environment: {} };
    const agent = await openAgent(place);
    await agent.guard("api", 0.6, async () => ({ value: null, costUsd: 0.6 }));
    await until(() => received.length === 1);
    await agent.guard("api", 0.3, async () => ({ value: null, costUsd: 0.3 }));
    // What is under way at the end is waited for.
    await agent.close();
    expect(eventsOf(received)).toEqual(["threshold_cross", "threshold_cross"]);
    expect(target.query("select distinct state from alert_deliveries")).toEqual([{ state: "sent" }]);
  });

  test("what waits for a mistyped address goes to the corrected one at the next alert", async () => {
    const { url, received } = await receiver();
    const target = deployment({ ...BASE, alerts: hook("http://127.0.0.1:1/") });
    const spend = async (costUsd: number) => {
      const agent = await openAgent({ config: target.configFile, state: target.state, environment: {} });
      await agent.guard("api", costUsd, async () => ({ value: null, costUsd }));
      await agent.close();
    };
    await spend(0.6);
    target.configure({ ...BASE, alerts: hook(url) });
    await spend(0.3);
    expect(received.map(({ body }) => JSON.parse(body).threshold)).toEqual([0.5, 0.8]);
  });

  test("what a program left unsent is sent by the next one at its first call, though that raises nothing", async () => {
    const { url, received } = await receiver((_request, count) => ({ status: count === 1 ? 500 : 200 }));
    const target = deployment({ ...BASE, alerts: hook(url) });
    const clock = fakeClock();
    for (const costUsd of [0.6, 0.01]) {
      const place = { config: target.configFile, state: target.state, environment: {}, clock };
      const agent = await openAgent(place);
      await agent.guard("api", costUsd, async () => ({ value: null, costUsd }));
      await agent.close();
      clock.advance(61_000);
    }
    expect(received).toHaveLength(2);
    expect(target.query("select state from alert_deliveries")).toEqual([{ state: "sent" }]);
  });

  test("what is under way when the process is told to end stays pending", async () => {
    const { url, received } = await receiver(() => ({ hang: "before" }));
    const target = deployment({ ...BASE, alerts: hook(url) });
    const agent = await openAgent({ config: target.configFile, state: target.state, environment: {} });
    await agent.guard("api", 0.6, async () => ({ value: null, costUsd: 0.6 }));
    await until(() => received.length === 1);
    agent.rails.watch.trip({ by: "signal", at: Date.now(), reason: "SIGTERM" });
    await agent.close();
    expect(target.query("select state, attempts from alert_deliveries")).toEqual([
      { state: "pending", attempts: 1 },
    ]);
  });
});

test("an alert whose process is killed between commit and send is sent by the next, once", async () => {
  const { url, received } = await receiver();
  const target = deployment({ ...BASE, alerts: hook(url) });
  mkdirSync(target.state, { recursive: true });
  const script = join(tempDir(), "killed.mts");
  const agentModule = JSON.stringify(new URL("../../src/agent.ts", import.meta.url).href);
  writeFileSync(
    script,
    `import { openAgent } from ${agentModule};
     const agent = await openAgent({
       config: ${JSON.stringify(target.configFile)}, state: ${JSON.stringify(target.state)}, environment: {},
       onAlert: () => process.kill(process.pid, "SIGKILL"),
     });
     await agent.guard("api", 0.6, async () => ({ value: null, costUsd: 0.6 }));`,
  );
  const child = fork(script, { stdio: "ignore" });
  onTestFinished(() => void child.kill("SIGKILL"));
  expect(await once(child, "exit")).toEqual([null, "SIGKILL"]);
  expect(received).toEqual([]);
  for (let time = 0; time < 2; time++) {
    const agent = await openAgent({ config: target.configFile, state: target.state, environment: {} });
    await agent.tick();
    await agent.close();
  }
  expect(eventsOf(received)).toEqual(["threshold_cross"]);
});

test("what failed is tried again when its time has come, and nothing is tried in vain before", async () => {
  const { url, received } = await receiver((_request, count) => ({ status: count === 1 ? 500 : 200 }));
  const target = deployment({ ...BASE, alerts: hook(url) });
  const clock = fakeClock();
  const agent = await openAgent({ config: target.configFile, state: target.state, environment: {}, clock });
  onTestFinished(() => agent.close());
  await agent.guard("api", 0.6, async () => ({ value: null, costUsd: 0.6 }));
  await until(() => received.length === 1);
  await agent.tick();
  expect(received).toHaveLength(1);
  clock.advance(61_000);
  await agent.tick();
  expect(received).toHaveLength(2);
});
