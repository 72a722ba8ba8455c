// @module-tag processes
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { nodeVersion, timer } from "../../../src/ops/doctor/machine.ts";
import { fakeClock } from "../../support/fake-clock.ts";
import { tempDir } from "../../support/temp.ts";
import { hostWith, only } from "./harness.ts";

const clock = fakeClock();

test.each([
  ["22.22.0", "ok"],
  ["24.1.0", "ok"],
  ["22.21.9", "bad"],
  ["20.20.2", "bad"],
])("Node %s is %s", async (version, result) => {
  expect(only(await nodeVersion({ clock, host: hostWith({ nodeVersion: version }) })).result).toBe(result);
});

describe("the timer", () => {
  /** A systemctl that answers as it would for a unit in this state; like it, it says no by its exit code too. */
  function systemctl(enabled: string, active: string) {
    const dir = tempDir();
    const path = join(dir, "systemctl");
    const script = `#!/bin/sh\n[ "$2" = afk.timer ] || exit 4\ncase "$1" in is-enabled) echo ${enabled};; *) echo ${active};; esac\n`;
    writeFileSync(path, `${script}[ "${enabled}${active}" = enabledactive ]\n`);
    chmodSync(path, 0o755);
    const unit = join(dir, "afk.timer");
    writeFileSync(unit, "[Timer]\n");
    return { systemctl: path, timerFiles: [unit] };
  }
  const look = async (over: Parameters<typeof hostWith>[0]) =>
    only(await timer({ clock, host: hostWith(over) }));

  test("that is enabled and active is well", async () => {
    expect(await look(systemctl("enabled", "active"))).toMatchObject({ result: "ok", mend: null });
  });

  test.each([
    ["disabled", "active"],
    ["enabled", "inactive"],
    ["masked", "failed"],
  ])("that is %s and %s is not", async (enabled, active) => {
    expect(await look(systemctl(enabled, active))).toMatchObject({
      result: "bad",
      found: `afk.timer is ${enabled} and ${active}`,
      mend: "sudo systemctl enable --now afk.timer",
    });
  });

  test("that cannot be asked for is not taken for well", async () => {
    const asked = await look({ ...systemctl("enabled", "active"), systemctl: "/no/such/systemctl" });
    expect(asked).toMatchObject({ result: "bad", found: expect.stringContaining("unknown (") });
  });

  test("cannot be seen from a container, and is not looked for where there is none", async () => {
    const there = systemctl("disabled", "inactive");
    expect(await look({ ...there, isContainer: true })).toMatchObject({
      result: "skipped",
      found: expect.stringContaining("on the host: systemctl status afk.timer"),
    });
    expect(await look({ ...there, hasSystemd: false })).toMatchObject({ result: "skipped" });
    expect(await look({ ...there, timerFiles: ["/no/such/afk.timer"] })).toMatchObject({ result: "skipped" });
  });
});
