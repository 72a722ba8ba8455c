// @module-tag processes
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { checkFree, fileSystem, killFlag, lock, stateFolder } from "../../../src/ops/doctor/state.ts";
import { mountOf } from "../../../src/store/reachable.ts";
import { tempDir } from "../../support/temp.ts";
import { type OpsHarness, opsHarness } from "../harness.ts";
import { hostWith, only } from "./harness.ts";

const subject = ({ config, rails }: OpsHarness, over: Parameters<typeof hostWith>[0] = {}) => ({
  config,
  store: rails.store,
  clock: rails.clock,
  host: hostWith(over),
});

test("a disk is full before nothing is left of it", () => {
  expect(checkFree(199 * 1024 * 1024, "/data")).toMatchObject({
    result: "bad",
    found: "199 MiB free for /data",
  });
  expect(checkFree(200 * 1024 * 1024, "/data")).toMatchObject({ result: "ok" });
  expect(checkFree(73 * 1024 ** 3, "/data").found).toBe("73 GiB free");
});

describe("the state's folder", () => {
  test("that others may look into or write to, or that is somebody else's, is told of", async () => {
    const harness = await opsHarness();
    const { state } = harness.config.paths;
    expect(only(await stateFolder(subject(harness))).result).toBe("ok");
    chmodSync(state, 0o750);
    expect(only(await stateFolder(subject(harness)))).toMatchObject({
      result: "warn",
      mend: `chmod go= ${state}`,
    });
    const stranger = only(await stateFolder(subject(harness, { userId: 4_242 })));
    expect(stranger).toMatchObject({ result: "bad", mend: `sudo chown -R 4242 ${state}` });
    chmodSync(state, 0o757);
    expect(only(await stateFolder(subject(harness)))).toMatchObject({
      result: "bad",
      mend: `chmod go= ${state}`,
    });
  });
});

describe("KILL_FLAG", () => {
  const look = async (stopFile: string, mountInfo: string, over: Parameters<typeof hostWith>[0] = {}) => {
    const { config, rails } = await opsHarness();
    const file = join(tempDir(), "mountinfo");
    writeFileSync(file, mountInfo);
    const paths = {
      ...config.paths,
      stopFile: stopFile === "" ? join(config.paths.state, "KILL") : stopFile,
    };
    const host = hostWith({ isContainer: true, mountInfo: file, environment: { KILL_FLAG: "set" }, ...over });
    return await killFlag({ config: { ...config, paths }, clock: rails.clock, host });
  };
  const MOUNTS = [
    "22 1 0:20 / / rw - overlay overlay rw",
    "23 22 0:21 / /tmp rw - tmpfs tmpfs rw",
    "24 22 8:1 /srv/flags /flags rw - ext4 /dev/sda1 rw",
  ].join("\n");

  test.each(["/run/afk.kill", "/tmp/afk.kill"])(
    "inside of the container alone is told of: %s",
    async (path) => {
      expect(only(await look(path, MOUNTS))).toMatchObject({
        result: "bad",
        found: expect.stringContaining(path),
        mend: expect.stringContaining("STOP"),
      });
    },
  );

  test("in the state, on a mount, or on no container's host is nobody's worry", async () => {
    expect(await look("", MOUNTS)).toEqual([]);
    expect(only(await look("/flags/afk.kill", MOUNTS))).toMatchObject({ result: "ok" });
    expect(await look("/run/afk.kill", MOUNTS, { isContainer: false })).toEqual([]);
    expect(await look("/run/afk.kill", MOUNTS, { environment: {} })).toEqual([]);
  });
});

describe("the file system", () => {
  const mounts = [
    "22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw",
    "40 22 0:50 / /data rw - nfs4 server:/export rw",
    "41 40 0:51 / /data/local rw - xfs /dev/sdb rw",
    "42 22 0:52 / /with\\040space rw shared:1 - fuse.sshfs me@host rw",
    "a line that is none",
  ].join("\n");

  test.each([
    ["/home/me", "ext4"],
    ["/data", "nfs4"],
    ["/data/state", "nfs4"],
    ["/data/local/state", "xfs"],
    ["/database", "ext4"],
    ["/with space/state", "fuse.sshfs"],
  ])("of %s is %s", (dir, type) => {
    expect(mountOf(dir, mounts).type).toBe(type);
  });

  test("of a network is told of", async () => {
    const harness = await opsHarness();
    const mountInfo = join(tempDir(), "mountinfo");
    const look = async (type: string, platform = "linux") => {
      writeFileSync(mountInfo, `1 0 8:1 / / rw - ${type} x rw\n`);
      return only(await fileSystem(subject(harness, { mountInfo, platform }))).result;
    };
    for (const type of ["nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs"])
      expect(await look(type)).toBe("bad");
    for (const type of ["ext4", "xfs", "btrfs", "overlay", "tmpfs"]) expect(await look(type)).toBe("ok");
    expect(await look("apfs", "darwin")).toBe("skipped");
  });
});

describe("the lock", () => {
  /** Another process that holds it. */
  async function holder(path: string): Promise<ChildProcess & { pid: number }> {
    const module = new URL("../../../src/store/sqlite/lock.ts", import.meta.url).href;
    const script = `const { acquireLock } = await import("${module}"); acquireLock(${JSON.stringify(path)}); console.log("held"); setInterval(() => {}, 1e6);`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    await once(child.stdout, "data");
    if (child.pid === undefined) throw new Error("no child");
    return Object.assign(child, { pid: child.pid });
  }

  test("of a process at work is told of with its number, where the system says it", async ({ skip }) => {
    skip(process.platform !== "linux", "only Linux has a table of locks");
    const harness = await opsHarness();
    expect(only(await lock(subject(harness))).found).toBe("nobody is at work");
    const { pid } = await holder(harness.config.paths.lock);
    expect(only(await lock(subject(harness)))).toMatchObject({
      result: "ok",
      found: `process ${pid} is at work now`,
    });
  });

  test("whose holder is suspended is told of", async ({ skip }) => {
    skip(process.platform !== "linux", "only Linux has a table of processes in files");
    const harness = await opsHarness();
    const child = await holder(harness.config.paths.lock);
    child.kill("SIGSTOP");
    await expect
      .poll(async () => only(await lock(subject(harness))), { timeout: 20_000 })
      .toMatchObject({
        result: "bad",
        found: `the worker (process ${child.pid}) is suspended and does nothing: kill -CONT ${child.pid}`,
        mend: expect.stringContaining(`kill -CONT ${child.pid}`),
      });
  });

  test("whose holder is at work and gets nothing done is told of", async () => {
    const harness = await opsHarness();
    await harness.tick({ next_due_at: harness.rails.clock.nowMs() + 60_000 });
    await holder(harness.config.paths.lock);
    expect(only(await lock(subject(harness))).result).toBe("ok");
    harness.rails.clock.advance(60_000 + harness.config.heartbeat.graceMs + 1);
    expect(only(await lock(subject(harness)))).toMatchObject({
      result: "bad",
      found: expect.stringContaining("does not move"),
      mend: expect.stringContaining("kill "),
    });
  });
});
