// @module-tag processes
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { driftCheck } from "../../../src/evidence/release/drift.ts";
import { compareUnits } from "../../../src/evidence/release/units.ts";
import type { Finding } from "../../../src/ops/doctor/check.ts";
import { hostWith } from "../../ops/doctor/harness.ts";
import { opsHarness } from "../../ops/harness.ts";
import { tempDir } from "../../support/temp.ts";
import { SYSTEMD, staged } from "../../systemd/staged.ts";

const unitsOf = (root: string) => join(root, "etc/systemd/system");

it("finds what the installer puts on a host to be as it is shipped", () => {
  const files = compareUnits(unitsOf(staged()), SYSTEMD);
  const shipped = readdirSync(SYSTEMD).filter((name) => /\.(?:service|timer|path|slice)$/.test(name));
  expect(files).toEqual({ same: shipped.length + 4, changed: [], missing: [], foreign: [], own: [] });
});

it("tells a unit that was edited, one that is gone, one of another version, and drop-ins of one's own apart", () => {
  const folder = unitsOf(staged());
  const service = join(folder, "afk.service");
  writeFileSync(service, `${readFileSync(service, "utf8")}# mine\n`);
  rmSync(join(folder, "afk-hold.service"));
  writeFileSync(join(folder, "afk-old.timer"), "[Timer]\n");
  mkdirSync(join(folder, "afk.timer.d"));
  writeFileSync(join(folder, "afk.timer.d/schedule.conf"), "rendered by a release\n");
  writeFileSync(join(folder, "afk.timer.d/50-own.conf"), "own\n");
  expect(compareUnits(folder, SYSTEMD)).toMatchObject({
    changed: ["afk.service"],
    missing: ["afk-hold.service"],
    foreign: ["afk-old.timer"],
    own: ["afk.timer.d/50-own.conf"],
  });
});

it("has nothing to say of a host without units", () => {
  expect(compareUnits(tempDir(), SYSTEMD)).toBeNull();
  expect(compareUnits("/no/such/folder", SYSTEMD)).toBeNull();
});

it("doctor sees them through the copy that a container is shown, and names them as the host does", async () => {
  const { config, rails } = await opsHarness();
  const folder = unitsOf(staged());
  const look = async (): Promise<Finding[]> => {
    const found = await driftCheck({
      config,
      store: rails.store,
      clock: rails.clock,
      host: hostWith({
        isContainer: true,
        units: { folder, shownAs: "/etc/systemd/system" },
        shippedUnits: SYSTEMD,
      }),
    });
    return [found].flat();
  };
  expect((await look()).at(-1)).toMatchObject({
    result: "ok",
    found: expect.stringMatching(/^\d+ units as this afk ships/),
  });
  writeFileSync(join(folder, "afk.timer"), "[Timer]\nOnCalendar=yearly\n");
  expect((await look()).at(-1)).toMatchObject({
    result: "warn",
    found: "/etc/systemd/system/afk.timer is not as this afk ships it",
    mend: expect.stringContaining("systemd/install"),
  });
});
