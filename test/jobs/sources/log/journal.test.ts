// @module-tag processes
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { expect, test } from "vitest";
import { logSettings } from "../../../../src/jobs/sources/log/settings.ts";
import { canInstall, install } from "../../../support/engine/apt.ts";
import { sourceRuns } from "../../../support/source-runs.ts";
import { hasTool } from "../../../support/system-tools.ts";
import { tempDir } from "../../../support/temp.ts";

const REMOTE = ["/lib/systemd/systemd-journal-remote", "/usr/lib/systemd/systemd-journal-remote"];
const remote = () => REMOTE.find((path) => existsSync(path));
if (remote() === undefined && hasTool("journalctl") && canInstall())
  await install(["systemd-journal-remote"]);
const cannot = remote() === undefined || !hasTool("journalctl");

const BOOT = "0123456789abcdef0123456789abcdef";
let sequence = 0;

/** Writes entries into a journal file, as systemd's own program does of another machine's export. */
function writeJournal(
  folder: string,
  entries: { unit: string; priority: number; message: string; at?: number }[],
): void {
  mkdirSync(folder, { recursive: true });
  const text = entries.map(({ unit, priority, message, at = Date.now() }) => {
    sequence++;
    return [
      `__CURSOR=s=${BOOT};i=${sequence.toString(16)};b=${BOOT};m=${sequence};t=${sequence};x=${sequence}`,
      `__REALTIME_TIMESTAMP=${at * 1_000 + sequence}`,
      `__MONOTONIC_TIMESTAMP=${sequence}`,
      `_BOOT_ID=${BOOT}`,
      `_MACHINE_ID=${BOOT}`,
      `_SYSTEMD_UNIT=${unit}.service`,
      `PRIORITY=${priority}`,
      `MESSAGE=${message}`,
    ].join("\n");
  });
  execFileSync(remote()!, [`--output=${join(folder, `part-${sequence}.journal`)}`, "-"], {
    input: `${text.join("\n\n")}\n\n`,
    stdio: ["pipe", "ignore", "ignore"],
  });
}

test.skipIf(cannot)(
  "a unit of the journal is read by journalctl from where the last look ended",
  async () => {
    const base = tempDir();
    const folder = join(base, "journal");
    const settings = v.parse(logSettings, {
      log: { journal: "web", directory: "journal" },
      since: "1h",
      level: "warning",
    });
    const { run } = await sourceRuns(settings, { base });
    writeJournal(folder, [
      { unit: "web", priority: 2, message: "too old", at: Date.now() - 7_200_000 },
      { unit: "web", priority: 3, message: "upstream 10.0.0.1 failed" },
      { unit: "web", priority: 3, message: "upstream 10.0.0.2 failed" },
      { unit: "web", priority: 6, message: "started" },
      { unit: "db", priority: 3, message: "of another unit" },
    ]);
    const first = await run();
    expect(first.error).toBe(null);
    expect(first.items.map(({ title }) => title)).toEqual(["2 × upstream # failed"]);
    expect(first.items[0]!.text).toMatch(/^2 lines \(error\), at .*upstream 10\.0\.0\.2 failed$/);
    expect((await run()).items).toEqual([]);
    writeJournal(folder, [{ unit: "web", priority: 4, message: "slow" }]);
    expect((await run()).items.map(({ title }) => title)).toEqual(["slow"]);
  },
);

test.skipIf(cannot)("a journal that is not there is a failure of the source", async () => {
  const { run } = await sourceRuns(v.parse(logSettings, { log: { journal: "web", directory: "none" } }), {
    base: tempDir(),
  });
  expect((await run()).error).toMatch(/journalctl/);
});

test("a name that would be an option is refused", () => {
  expect(v.safeParse(logSettings, { log: { journal: "--flush" } }).success).toBe(false);
});
