import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { Paths } from "../../../src/config/locations.ts";
import type { Log } from "../../../src/lib/log.ts";
import { removeHomes } from "../../../src/runner/job/folder.ts";
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
