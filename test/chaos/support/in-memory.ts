import { existsSync } from "node:fs";
import { afterEach, beforeEach, vi } from "vitest";

/** Lets the tests of a file keep their folders in memory where there is such a place: what they sync has no disk to wait for. */
export function workInMemory(): void {
  beforeEach(() => {
    if (existsSync("/dev/shm")) vi.stubEnv("TMPDIR", "/dev/shm");
  });
  afterEach(() => void vi.unstubAllEnvs());
}
