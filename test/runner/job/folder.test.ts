import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { JobConfig } from "../../../src/config/config.ts";
import type { Paths } from "../../../src/config/locations.ts";
import type { Log } from "../../../src/lib/log.ts";
import { openRunFolder, removeHomes, removeMirrors } from "../../../src/runner/job/folder.ts";
import { tempDir } from "../../support/temp.ts";

function recorder() {
  const events: string[] = [];
  const log: Log = { event: (level, event) => void events.push(`${level} ${event}`), child: () => log };
  return { log, events };
}

it("removes what runs have left whose process died", () => {
  const homes = join(tempDir(), "homes");
  mkdirSync(join(homes, "job", "sessions"), { recursive: true });
  writeFileSync(join(homes, "job", "sessions", "one"), "");
  const { log, events } = recorder();
  removeHomes({ homes } as Paths, log);
  removeHomes({ homes } as Paths, log);
  expect(existsSync(homes)).toBe(false);
  expect(events).toEqual([]);
});

it("goes on where a folder cannot be removed, which is told of", () => {
  const { log, events } = recorder();
  // Not even root may remove what the kernel shows there.
  removeHomes({ homes: "/proc/self/fdinfo" } as Paths, log);
  expect(events).toEqual(["warn gateway_failed"]);
});

it("makes a run's folder empty for each attempt, whatever an earlier one left there, and removes it", () => {
  const homes = join(tempDir(), "homes");
  const { log, events } = recorder();
  const first = openRunFolder({ homes }, "job", log);
  mkdirSync(join(first.path, "cache", "deep"), { recursive: true });
  writeFileSync(join(first.path, "cache", "deep", "f"), "");
  chmodSync(join(first.path, "cache", "deep"), 0o500);
  const second = openRunFolder({ homes }, "job", log);
  expect(second.path).toBe(first.path);
  expect(readdirSync(second.path)).toEqual([]);
  second[Symbol.dispose]();
  expect(existsSync(second.path)).toBe(false);
  expect(events).toEqual([]);
});

it("removes copies of repositories whose jobs are gone", () => {
  const repos = join(tempDir(), "repos");
  for (const name of ["fix.git", "gone.git"]) mkdirSync(join(repos, name), { recursive: true });
  const { log } = recorder();
  removeMirrors({ repos }, [{ name: "fix" } as JobConfig], log);
  expect(readdirSync(repos)).toEqual(["fix.git"]);
});
