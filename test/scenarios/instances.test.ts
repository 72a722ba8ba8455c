import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type AfkVm, startAfkVm } from "./systemd/afk-vm.ts";
import { eventually } from "./systemd/eventually.ts";

/** Two agents with names beside the one without, on a host with a real systemd and a real engine. */
const SLOW = { name: "slow", kind: "exec", every: "1s", command: ["sh", "-c", "sleep 600"] };
const NAMES = ["one", "two"];

let vm: AfkVm;

beforeAll(async () => {
  vm = await startAfkVm();
  await vm.configure({ jobs: [SLOW] });
  for (const name of NAMES) {
    await vm.ok(`/root/systemd/install --instance ${name}`);
    await vm.ok(`cp /etc/afk/env /etc/afk/instances/${name}/env`);
    await vm.ok(
      `sed 's/"agent": "[^"]*"/"agent": "${name}"/' /etc/afk/afk.yaml >/etc/afk/instances/${name}/afk.yaml`,
    );
  }
});
afterAll(() => vm?.stop());

describe("several agents on one host", () => {
  it("are started by the command that tries alerts and drills first, each with the work of its own", async () => {
    await vm.ok("afk @one start");
    await vm.ok("afk @two start --without-drills");
    await vm.ok("systemctl start afk.timer");
    await eventually("all three are at work", async () => (await atWork()).join() === "afk,one,two");
    for (const name of NAMES) {
      const state = `/var/lib/afk/instances/${name}/data/afk.db`;
      expect((await vm.exec(`test -s ${state}`)).code).toBe(0);
      expect(JSON.parse(await vm.ok(`afk @${name} status --json`))).toMatchObject({ agent: name });
    }
  });

  it("are killed one alone, and the others work on", async () => {
    await vm.ok("touch /var/lib/afk/instances/one/STOP && systemctl kill --signal=SIGKILL afk-one.slice");
    await eventually("the one is gone", async () => (await atWork()).join() === "afk,two");
    await vm.ok("systemctl stop afk.timer");
    await eventually("the one without a name is gone", async () => (await atWork()).join() === "two");
  });

  it("are stopped by their own timer, within the time that the runbook says", async () => {
    const startedMs = Date.now();
    await vm.ok("systemctl stop afk@two.timer");
    expect(await atWork()).toEqual([]);
    expect(Date.now() - startedMs).toBeLessThan(30_000);
  });

  it("are all stopped by the switch of the host", async () => {
    await vm.ok("rm /var/lib/afk/instances/one/STOP");
    // What was killed waits a little before it begins again; this does not.
    for (const name of ["", "@one", "@two"]) await vm.ok(`afk ${name} enqueue slow --key again`);
    await vm.ok("systemctl stop afk@one.timer; systemctl start afk.timer afk@one.timer afk@two.timer");
    await eventually("all three are at work again", async () => (await atWork()).join() === "afk,one,two");
    await vm.ok("touch /var/lib/afk/STOP");
    await eventually("nothing is left", async () => (await atWork()).length === 0);
    expect((await vm.exec("systemctl start afk@two.service; sleep 1")).code).toBe(0);
    expect(await atWork()).toEqual([]);
    await vm.ok("afk resume");
  });
});

/** Whose containers have a job's process in them, by the kernel's groups. */
async function atWork(): Promise<string[]> {
  const { stdout } = await vm.exec(
    `for pid in $(pgrep -f 'sleep 600'); do cat /proc/$pid/cgroup 2>/dev/null; done | grep -o 'afk[a-z-]*\\.slice' | sort -u`,
  );
  const slices = stdout.split("\n").filter((line) => line !== "" && line !== "afk.slice");
  const named = slices.map((slice) => slice.replace(/^afk-(\w+)\.slice$/, "$1"));
  const groups = await vm.exec(
    `for pid in $(pgrep -f 'sleep 600'); do grep -c 'afk\\.slice/docker' /proc/$pid/cgroup 2>/dev/null; done | grep -v '^0' | head -n 1`,
  );
  return [...(groups.stdout.trim() === "" ? [] : ["afk"]), ...named].sort();
}
