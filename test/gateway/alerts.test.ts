// @module-tag slow
import { describe, expect, test } from "vitest";
import type { AlertPayload } from "../../src/alerts/events.ts";
import { testGateway, turn } from "./gateway-on.ts";

describe("alerts of a client that goes on asking", () => {
  test("a thousand refused requests are one alert for each cap, window and threshold, and name the client", async () => {
    const alerts: AlertPayload[] = [];
    const { rails, url, servers } = await testGateway({
      budget: { owners: { job: {}, client: { laptop: { day_calls: 3 } } }, warningThresholds: [0.5, 0.8] },
      onAlert: (alert) => alerts.push(alert),
    });
    const statuses: number[] = [];
    for (let n = 0; n < 100; n++) {
      const ten = Array.from({ length: 10 }, (_, k) => turn(url, "chat", { user: `user ${n} ${k}` }));
      statuses.push(...(await Promise.all(ten)).map(({ status }) => status));
    }
    expect(statuses.filter((status) => status === 200)).toHaveLength(3);
    expect(servers.openai.requests).toHaveLength(3);
    expect(alerts.map(({ event, threshold, scope, title }) => [event, threshold, scope, title])).toEqual([
      [
        "threshold_cross",
        0.5,
        "client:laptop",
        expect.stringMatching(/^\d+ % of the day cap in calls of client laptop$/),
      ],
      [
        "threshold_cross",
        0.8,
        "client:laptop",
        expect.stringMatching(/^\d+ % of the day cap in calls of client laptop$/),
      ],
      ["cap_hit", undefined, "client:laptop", "The day cap in calls of client laptop is reached"],
    ]);
    const { count } = await rails.store.db
      .selectFrom("alerts")
      .select((eb) => eb.fn.countAll<number>().as("count"))
      .executeTakeFirstOrThrow();
    expect(Number(count)).toBe(3);
    // Nor is the log a line for each.
    expect(rails.logged.filter(({ event }) => event === "cap_hit")).toHaveLength(1);
    expect(rails.logged.filter(({ event }) => event === "client_refused").length).toBeLessThan(3);

    // The next window has alerts of its own.
    rails.clock.advance(24 * 3_600_000);
    for (let n = 0; n < 10; n++) await turn(url, "chat", { user: `the next day ${n}` });
    expect(alerts.slice(3).map(({ event, period }) => [event, period])).toEqual([
      ["threshold_cross", "2026-11-22"],
      ["threshold_cross", "2026-11-22"],
      ["cap_hit", "2026-11-22"],
    ]);
  });

  test("a runaway is one alert that names the client, however long it goes on", async () => {
    const alerts: AlertPayload[] = [];
    const { url } = await testGateway({
      breaker: { sameRequestPerHour: 5 },
      onAlert: (alert) => alerts.push(alert),
    });
    const statuses: number[] = [];
    for (let n = 0; n < 50; n++) statuses.push((await turn(url, "chat")).status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(5);
    expect(
      alerts.map(({ event, title, key }) => [event, title, key.split(":").slice(0, 3).join(":")]),
    ).toEqual([["breaker_open", "client laptop is refused for now", "breaker_open:client:laptop"]]);
    expect(alerts[0]?.message).toMatch(/the same request 5 times in an hour.*others are not affected/);
  });
});
