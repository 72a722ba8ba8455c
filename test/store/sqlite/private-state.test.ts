import { chmodSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { keepPrivate } from "../../../src/store/sqlite/private-state.ts";
import { tempDir } from "../../support/temp.ts";

it.each(["lock.db", "approve-lock.db", "gateway-lock.db", "remote-lock.db", "afk.db-wal"])(
  "takes %s from others, who could hold it",
  (name) => {
    const dir = tempDir();
    chmodSync(dir, 0o755);
    writeFileSync(join(dir, name), "", { mode: 0o644 });
    keepPrivate(join(dir, "afk.db"));
    expect(statSync(join(dir, name)).mode & 0o077).toBe(0);
  },
);
