import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { chooseDrills } from "../../src/drill/run-drills.ts";
import { receiver } from "../alerts/receiver.ts";
import { drill, expectFailure, expectNothingLeft } from "./harness.ts";

afterEach(expectNothingLeft);

it("sends a real message through every channel, whatever events it wants", async () => {
  const [all, some] = [await receiver(), await receiver()];
  const alerts = [
    { type: "webhook", url: `${all.url}/hook` },
    { type: "webhook", url: `${some.url}/hook`, on: ["cap_hit"] },
  ];

  const { result, record, target } = await drill("alert", { changes: { rest: { alerts } } });

  expect(result).toMatchObject({ passed: true, figures: { channels: 2, sent: 2 } });
  for (const { received } of [all, some])
    expect(received.map(({ body }) => body)).toEqual([
      expect.stringContaining("This is a drill (afk drill)."),
    ]);
  expect(record).toContain(`webhook at ${new URL(all.url).host} takes the message`);
  // The real outbox knows nothing of it.
  expect(target.query("select * from alerts")).toEqual([]);
});

it("reports each answer, and fails when one channel does not take it; no address is told", async () => {
  const [good, bad] = [await receiver(), await receiver(() => ({ status: 403 }))];
  const alerts = [
    { type: "webhook", url: `${good.url}/hook` },
    { type: "webhook", url: `${bad.url}/secret-path-of-the-hook` },
  ];

  const outcome = await drill("alert", { changes: { rest: { alerts } } });

  await expectFailure(outcome, /webhook at 127\.0\.0\.1:\d+ takes the message: HTTP 403/);
  expect(outcome.record).toMatch(/\| yes \| webhook at/);
  expect(outcome.record).toMatch(/\| \*\*NO\*\* \| webhook at/);
  for (const text of [outcome.record, outcome.result.error ?? "", log(outcome.target.state)])
    expect(text).not.toContain("secret-path-of-the-hook");
});

it("fails where there is no channel", async () => {
  await expectFailure(await drill("alert"), /there is a channel; found: 0 channels; add one/);
});

it("is left out, and nothing else is, when nothing is to be sent", () => {
  const all = chooseDrills([], true).map(({ name }) => name);
  expect(all).toContain("alert");
  expect(chooseDrills([], false).map(({ name }) => name)).toEqual(all.filter((name) => name !== "alert"));
  expect(chooseDrills(["alert"], false)).toEqual([]);
});

function log(state: string): string {
  return readFileSync(join(state, "logs", `afk-${new Date().toISOString().slice(0, 10)}.jsonl`), "utf8");
}
