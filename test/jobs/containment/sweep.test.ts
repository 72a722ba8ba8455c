import { type ChildProcess, spawn } from "node:child_process";
import { expect, onTestFinished, test } from "vitest";
import { newMarks } from "../../../src/jobs/containment/marks.ts";
import { askAndKill, kill } from "../../../src/jobs/containment/sweep.ts";
import { seededRandomness } from "../../support/seeded.ts";

/** No process has the limit of these marks: the cookie or the roots have to do. */
const marks = newMarks(Date.UTC(2026, 10, 21), undefined);

interface Started {
  child: ChildProcess;
  ended: Promise<string>;
}

/** A process that waits; `ended` says by which signal it went. */
async function start(script: string, env: Record<string, string>, isLeader = true): Promise<Started> {
  const child = spawn("sh", ["-c", `echo; ${script}`], {
    env: { PATH: process.env.PATH ?? "", ...env },
    detached: isLeader,
    stdio: ["ignore", "pipe", "ignore"],
  });
  const ended = new Promise<string>((resolve) =>
    child.once("exit", (code, signal) => resolve(signal ?? String(code))),
  );
  onTestFinished(() => void child.kill("SIGKILL"));
  await new Promise((resolve) => child.stdout!.once("data", resolve));
  return { child, ended };
}

test("finds a process by its cookie alone, and leaves one with another cookie alone", async () => {
  const ours = await start("exec sleep 60", { AFK_EXEC: marks.cookie });
  const inner = await start("exec sleep 60", { AFK_EXEC: `${marks.cookie}/inner` });
  const others = await Promise.all([
    start("exec sleep 60", { AFK_EXEC: `${marks.cookie}x` }),
    start("exec sleep 60", { AFK_EXEC: `x${marks.cookie}` }),
    start("exec sleep 60", { NOT_AFK_EXEC: marks.cookie }),
    start("exec sleep 60", {}),
  ]);
  expect(await askAndKill({ marks, roots: [] })).toEqual({ found: 2, left: 0 });
  expect([await ours.ended, await inner.ended]).toEqual(["SIGTERM", "SIGTERM"]);
  for (const { child } of others) expect([child.exitCode, child.signalCode]).toEqual([null, null]);
});

test("finds by a root what descends from it and what is in its session", async () => {
  const root = await start('trap "" TERM; sh -c "sleep 60 & sleep 60" & exec sleep 60', {});
  expect(await askAndKill({ marks, roots: [root.child.pid!] })).toEqual({ found: 4, left: 0 });
  expect(await root.ended).toBe("SIGKILL");
});

test("reaches what ignores SIGTERM, and what is stopped, in the group of the caller", async () => {
  const stopped = await start("kill -STOP $$; exec sleep 60", { AFK_EXEC: marks.cookie }, false);
  const deaf = await start('trap "" TERM; exec sleep 60', { AFK_EXEC: marks.cookie }, false);
  expect(await askAndKill({ marks, roots: [] })).toEqual({ found: 2, left: 0 });
  expect([await stopped.ended, await deaf.ended]).toEqual(["SIGTERM", "SIGKILL"]);
});

test("finds nothing where nothing is", async () => {
  expect(await askAndKill({ marks, roots: [] })).toEqual({ found: 0, left: 0 });
});

test("never finds the process that sweeps", async () => {
  const { child, ended } = await start("exec sleep 60", { AFK_EXEC: marks.cookie }, false);
  expect(await askAndKill({ marks, roots: [process.pid] })).toMatchObject({ left: 0 });
  expect(await ended).toBe("SIGTERM");
  expect(child.exitCode).toBeNull();
});

test("marks are new each time, and stand behind those of an outer command", () => {
  const randomness = seededRandomness();
  const [first, second] = [newMarks(0, undefined, randomness), newMarks(0, undefined, randomness)];
  expect(first!.cookie).not.toBe(second!.cookie);
  expect(first!.fileSizeBlocks).not.toBe(second!.fileSizeBlocks);
  expect(newMarks(0, first!.cookie, randomness).cookie).toMatch(
    new RegExp(`^${first!.cookie}/[0-9a-z]{26}$`),
  );
  expect(newMarks(0, "not a mark; at all", randomness).cookie).toMatch(/^[0-9a-z]{26}$/);
});

test("kills without asking where nobody may wait", async () => {
  const { ended } = await start("exec sleep 60", { AFK_EXEC: marks.cookie });
  expect(await kill({ marks, roots: [] })).toEqual({ found: 1, left: 0 });
  expect(await ended).toBe("SIGKILL");
});
