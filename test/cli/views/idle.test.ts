import { expect, test } from "vitest";
import { idleLines } from "../../../src/cli/views/idle.ts";
import { opsHarness } from "../../ops/harness.ts";

const IDLE = { outcome: "idle", units: 0 } as const;

test("a tick with nothing to do says what is next, and how to run it now", async () => {
  const daily = { name: "digest", kind: "plain", command: [], schedule: "0 6 * * *" };
  const manual = { name: "tidy", kind: "plain", command: [] };
  const { config, rails } = await opsHarness({ timezone: "Europe/Berlin", jobs: [manual, daily] });
  expect(await idleLines({ config, rails } as never, IDLE)).toEqual([
    "nothing is due; next: digest, Sun 22 Nov 06:00 (in 19 h)",
    "to run it now: afk tick --now digest",
  ]);
  expect(await idleLines({ config, rails } as never, { outcome: "ok", units: 1 })).toEqual([]);
  const byHand = await opsHarness({ jobs: [manual] });
  expect(await idleLines(byHand as never, IDLE)).toEqual([
    "nothing is due: no job has a schedule",
    "to run tidy now: afk tick --now tidy",
  ]);
  expect((await idleLines((await opsHarness({ jobs: [] })) as never, IDLE))[0]).toMatch(/has no job yet/);
});
