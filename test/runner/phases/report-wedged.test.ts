import { existsSync, writeFileSync } from "node:fs";
import { expect, it } from "vitest";
import { wedgeMarkerIn, writeWedgeMarker } from "../../../src/runner/wedge/marker.ts";
import { harness } from "../harness.ts";

const MARKER = {
  reason: "its event loop stood still for 10 s",
  at: 1_795_000_000_000,
  tick: "t1",
  job: "work@1",
};

it("tells of a process that was killed, once, and takes the marker away", async () => {
  const { agent, alerts, target } = await harness(() => undefined);
  writeWedgeMarker(target.state, MARKER);

  await agent.tick();
  await agent.tick();

  expect(alerts).toMatchObject([{ event: "wedged", severity: "error", tick: "t1", job: "work@1" }]);
  expect(alerts[0]?.message).toContain("stood still for 10 s. ");
  expect(alerts[0]?.message).toContain("afk logs --event wedged");
  expect(existsSync(wedgeMarkerIn(target.state))).toBe(false);
});

it("does not tell it again when the marker outlived the telling", async () => {
  const { agent, alerts, target } = await harness(() => undefined);
  for (let time = 0; time < 2; time++) {
    writeWedgeMarker(target.state, MARKER);
    await agent.tick();
  }
  expect(alerts).toHaveLength(1);
  expect(existsSync(wedgeMarkerIn(target.state))).toBe(false);
});

it("tells of it under a set kill switch too", async () => {
  const { agent, alerts, target } = await harness(() => undefined);
  writeWedgeMarker(target.state, MARKER);
  writeFileSync(`${target.state}/STOP`, "");

  expect(await agent.tick()).toMatchObject({ outcome: "halted" });

  expect(alerts.map(({ event }) => event)).toEqual(["kill_set", "wedged"]);
});

it.each([
  ["half a file", '{"reason":"its ev'],
  ["nothing", ""],
  ["another shape", '{"reason":1,"at":"yesterday"}'],
  ["an instant that no calendar has", '{"reason":"x","at":1e300}'],
])("tells of a marker with %s, and goes on", async (_what, content) => {
  const { agent, alerts, target } = await harness(() => undefined);
  writeFileSync(wedgeMarkerIn(target.state), content);

  expect(await agent.tick()).toMatchObject({ outcome: "idle" });

  expect(alerts).toMatchObject([{ event: "wedged" }]);
  expect(alerts[0]?.message).toContain("cannot be read");
  expect(existsSync(wedgeMarkerIn(target.state))).toBe(false);
});
