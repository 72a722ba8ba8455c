import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { originsOf, wallClock } from "../../../src/ops/doctor/machine.ts";
import { budgetClock } from "../../../src/ops/doctor/money.ts";
import { spend } from "../../support/rails.ts";
import { opsHarness } from "../harness.ts";
import { hostWith, only } from "./harness.ts";

describe("the budget's clock", () => {
  const harnessed = async () => {
    const { config, rails } = await opsHarness();
    await spend(rails, 1_000);
    const subject = { config, store: rails.store, clock: rails.clock, host: hostWith() };
    return { rails, finding: async () => only(await budgetClock(subject)) };
  };

  test("that goes with the wall clock is well", async () => {
    const { rails, finding } = await harnessed();
    rails.clock.advance(3_600_000);
    expect((await finding()).result).toBe("ok");
  });

  test("that is ahead, since the wall clock was set back, is told of", async () => {
    const { rails, finding } = await harnessed();
    rails.clock.jump(-3_600_000);
    expect(await finding()).toMatchObject({
      result: "bad",
      found: expect.stringContaining("1 h ahead of the wall clock"),
      mend: expect.stringContaining("afk resume --clock"),
    });
  });

  test("that is behind, since the wall clock was set forward, is told of", async () => {
    const { rails, finding } = await harnessed();
    rails.clock.jump(86_400_000);
    expect(await finding()).toMatchObject({
      result: "bad",
      found: expect.stringContaining("1 d behind the wall clock"),
      mend: "if the wall clock is right: afk resume",
    });
  });
});

describe("the wall clock", () => {
  async function host(aheadMs: number | null, nowMs: number): Promise<{ url: string; asked: string[] }> {
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(`${request.method} ${request.url}`);
      response.sendDate = false;
      if (aheadMs !== null) response.setHeader("date", new Date(nowMs + aheadMs).toUTCString());
      response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
  }

  async function found(aheadMs: number | null) {
    const { rails } = await opsHarness();
    const server = await host(aheadMs, rails.clock.nowMs());
    const { config } = await opsHarness({ alerts: [{ type: "webhook", url: `${server.url}/secret-token` }] });
    const finding = only(await wallClock({ config, clock: rails.clock, host: hostWith() }));
    return { finding, asked: server.asked };
  }

  test("is compared with a host's, of which nothing but its root is asked for", async () => {
    const { finding, asked } = await found(0);
    expect(finding).toMatchObject({
      result: "ok",
      found: expect.stringContaining("agrees with a host of alerts or pings"),
    });
    expect(asked).toEqual(["HEAD /"]);
  });

  test.each([
    [3_600_000, "1 h behind"],
    [-86_400_000, "1 d ahead of"],
  ])("that is off by %d ms is told of", async (aheadMs, text) => {
    expect((await found(aheadMs)).finding).toMatchObject({
      result: "bad",
      found: expect.stringContaining(text),
    });
  });

  test("is not judged when nobody says what time it is", async () => {
    expect((await found(null)).finding.result).toBe("skipped");
    const { config, rails } = await opsHarness({ egress: { allow: ["*.example.org"] } });
    expect(only(await wallClock({ config, clock: rails.clock, host: hostWith() })).result).toBe("skipped");
  });

  test("asks hosts elsewhere before those on this machine, and each once", async () => {
    const { config } = await opsHarness({
      alerts: [
        { type: "webhook", url: "http://127.0.0.1:9/a" },
        { type: "webhook", url: "https://hooks.example.org/a" },
      ],
      egress: { allow: ["hooks.example.org", "feeds.example.org", "*.example.net"] },
      models: { chain: ["anthropic/claude-haiku-4-5", "extractive"] },
    });
    expect(originsOf(config)).toEqual([
      "https://hooks.example.org/",
      "https://api.anthropic.com/",
      "https://feeds.example.org/",
      "http://127.0.0.1:9/",
    ]);
  });
});
