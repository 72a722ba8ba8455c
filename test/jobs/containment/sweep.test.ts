// @module-tag processes
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { familyOf } from "../../../src/faults/processes.ts";
import { newTags } from "../../../src/jobs/containment/process-tags.ts";
import { askAndKill, kill } from "../../../src/jobs/containment/sweep.ts";
import { seededRandomness } from "../../support/seeded.ts";
import { until } from "./harness.ts";

/** No process has the limit of these tags: the cookie or the roots have to do. */
const tags = newTags(Date.UTC(2026, 10, 21), undefined);

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
  const ours = await start("exec sleep 60", { AFK_EXEC: tags.cookie });
  const inner = await start("exec sleep 60", { AFK_EXEC: `${tags.cookie}/inner` });
  const others = await Promise.all([
    start("exec sleep 60", { AFK_EXEC: `${tags.cookie}x` }),
    start("exec sleep 60", { AFK_EXEC: `x${tags.cookie}` }),
    start("exec sleep 60", { NOT_AFK_EXEC: tags.cookie }),
    start("exec sleep 60", {}),
  ]);
  expect(await askAndKill({ tags, roots: [] })).toEqual({ found: 2, left: 0 });
  expect([await ours.ended, await inner.ended]).toEqual(["SIGTERM", "SIGTERM"]);
  for (const { child } of others) expect([child.exitCode, child.signalCode]).toEqual([null, null]);
});

test("finds by a root what descends from it and what is in its session", async () => {
  const root = await start('trap "" TERM; sh -c "sleep 60 & sleep 60" & exec sleep 60', {});
  await until(() => familyOf(root.child.pid!).length === 4);
  expect(await askAndKill({ tags, roots: [root.child.pid!] })).toEqual({ found: 4, left: 0 });
  expect(await root.ended).toBe("SIGKILL");
});

test("reaches what ignores SIGTERM, and what is stopped, in the group of the caller", async () => {
  const stopped = await start("kill -STOP $$; exec sleep 60", { AFK_EXEC: tags.cookie }, false);
  const deaf = await start('trap "" TERM; exec sleep 60', { AFK_EXEC: tags.cookie }, false);
  expect(await askAndKill({ tags, roots: [] })).toEqual({ found: 2, left: 0 });
  expect([await stopped.ended, await deaf.ended]).toEqual(["SIGTERM", "SIGKILL"]);
});

test("finds nothing where nothing is", async () => {
  expect(await askAndKill({ tags, roots: [] })).toEqual({ found: 0, left: 0 });
});

/** A process of its own, all of whose children it sweeps: this one's are also what other tests work with. */
const SWEEPS_ITS_CHILDREN = `
  const { spawn } = await import("node:child_process");
  const { askAndKill } = await import(process.argv[1]);
  const child = spawn("sleep", ["60"]);
  const ended = new Promise((resolve) => child.once("exit", (code, signal) => resolve(signal)));
  const swept = await askAndKill({ tags: JSON.parse(process.argv[2]), roots: [process.pid] });
  console.log(JSON.stringify({ ...swept, ended: await ended }));
`;

test("never finds the process that sweeps", async () => {
  const sweep = new URL("../../../src/jobs/containment/sweep.ts", import.meta.url).href;
  const words = ["--input-type=module", "-e", SWEEPS_ITS_CHILDREN, sweep, JSON.stringify(tags)];
  const { stdout } = await promisify(execFile)(process.execPath, words);
  expect(JSON.parse(stdout)).toEqual({ found: 1, left: 0, ended: "SIGTERM" });
});

test("marks are new each time, and stand behind those of an outer command", () => {
  const randomness = seededRandomness();
  const [first, second] = [newTags(0, undefined, randomness), newTags(0, undefined, randomness)];
  expect(first!.cookie).not.toBe(second!.cookie);
  expect(first!.fileSizeBlocks).not.toBe(second!.fileSizeBlocks);
  expect(newTags(0, first!.cookie, randomness).cookie).toMatch(new RegExp(`^${first!.cookie}/[0-9a-z]{26}$`));
  expect(newTags(0, "not a mark; at all", randomness).cookie).toMatch(/^[0-9a-z]{26}$/);
});

test("kills without asking where nobody may wait", async () => {
  const { ended } = await start("exec sleep 60", { AFK_EXEC: tags.cookie });
  expect(await kill({ tags, roots: [] })).toEqual({ found: 1, left: 0 });
  expect(await ended).toBe("SIGKILL");
});
