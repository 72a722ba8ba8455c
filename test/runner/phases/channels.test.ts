import { mkdirSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { openAgent } from "../../../src/agent.ts";
import { receiver } from "../../alerts/receiver.ts";
import { deployment } from "../../support/afk.ts";
import { fakeClock } from "../../support/fake-clock.ts";

const BASE = { agent: "a", budget: { daily_cap_usd: 1 }, models: { chain: ["extractive"] } };

test("a tick takes over the channels of afk.yaml: what waits goes to the corrected address, and to none that is new", async () => {
  const [corrected, added] = [await receiver(), await receiver()];
  const target = deployment({ ...BASE, alerts: [{ type: "webhook", url: "http://127.0.0.1:1/" }] });
  mkdirSync(target.state);
  const clock = fakeClock();
  const place = { config: target.configFile, state: target.state, environment: {}, clock };

  const before = await openAgent(place);
  await before.tick();
  for (const occurrence of ["1", "2", "3"]) {
    clock.advance(1);
    await before.store.atomically((trx) =>
      before.outbox.announce(trx, { event: "cap_hit", title: "t", message: "m", subject: "day", occurrence }),
    );
  }
  await before.tick();
  await before.close();
  expect(target.query("select distinct state from alert_deliveries")).toEqual([{ state: "pending" }]);

  const alerts = [
    { type: "webhook", url: corrected.url },
    { type: "webhook", url: added.url },
  ];
  writeFileSync(target.configFile, JSON.stringify({ ...BASE, alerts }));
  const after = await openAgent(place);
  await after.tick();
  await after.close();
  const keys = corrected.received.map(({ body }) => JSON.parse(body).key);
  expect(keys).toEqual(["cap_hit:day:1", "cap_hit:day:2", "cap_hit:day:3"]);
  expect(added.received).toEqual([]);
  expect(target.query("select name from alert_channels order by name")).toEqual([
    { name: "webhook" },
    { name: "webhook-2" },
  ]);
});
