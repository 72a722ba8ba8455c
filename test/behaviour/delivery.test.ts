import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { type Answer, receiver } from "../alerts/receiver.ts";
import { deployment, fillInbox, PROCESSES } from "../support/afk.ts";
import { smtpServer } from "../support/smtp-server.ts";

it(
  "delivers a digest of one's own to each of its receivers once, over a crash in between",
  PROCESSES,
  async () => {
    const first = await receiver();
    const { port, sessions } = await smtpServer();
    // It hangs until the worker has died, and takes it then.
    let isAwake = false;
    const taken: string[] = [];
    const slow = await receiver(({ body }): Answer => {
      if (!isAwake) return { hang: "before" };
      taken.push(body);
      return {};
    });
    const target = deployment({
      agent: "test-agent",
      budget: { daily_cap_usd: 0.1 },
      models: { chain: ["extractive"] },
      alerts: [{ name: "phone", type: "webhook", url: first.url, on: ["overrun"] }],
      jobs: [
        {
          name: "digest",
          kind: "digest",
          every: "1d",
          sources: [{ folder: "./inbox" }],
          deliver: [
            { to: "phone" },
            {
              to: "email",
              url: `smtp://127.0.0.1:${port}`,
              from: "afk@example.org",
              mail_to: "me@example.org",
            },
            { to: "webhook", url: slow.url },
            { to: "feed" },
            { to: "file", path: "./copies/latest.md" },
          ],
        },
      ],
    });
    fillInbox(target, 2);
    const states = () =>
      target.query<{ receiver: string; state: string }>(
        "select receiver, state from deliveries order by receiver",
      );

    const killed = target.start(["tick"]);
    const isRest = () => states().filter(({ state }) => state === "delivered").length === 4;
    while (slow.received.length === 0 || !isRest()) await new Promise((resolve) => setTimeout(resolve, 50));
    killed.kill("SIGKILL");
    expect((await killed.ended).signal).toBe("SIGKILL");
    expect(states()).toContainEqual({ receiver: "webhook", state: "pending" });

    isAwake = true;
    // A try that nobody ended is followed by the next after a minute.
    await expect
      .poll(async () => (await target.afk(["tick"])) && taken.length, { timeout: 80_000, interval: 5_000 })
      .toBe(1);
    expect(states().every(({ state }) => state === "delivered")).toBe(true);
    expect([first.received.length, sessions.length, taken.length]).toEqual([1, 1, 1]);
    expect(JSON.parse(taken[0] ?? "")).toMatchObject({
      event: "result",
      job: "digest",
      sections: [{ items: [{ title: expect.stringContaining("Title of item") }, {}] }],
    });
    expect(target.outputs()["feed.xml"]).toContain("Title of item-01");
    expect(readFileSync(join(target.dir, "copies/latest.md"), "utf8")).toContain("Title of item-02");
  },
);
