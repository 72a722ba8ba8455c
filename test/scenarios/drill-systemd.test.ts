import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { say } from "../support/engine/command.ts";
import { type AfkVm, startAfkVm } from "./systemd/afk-vm.ts";
import { eventually } from "./systemd/eventually.ts";

/** `afk drill systemctl` on a host with the units installed: the kill from outside, fired by the product itself. */
let vm: AfkVm;

beforeAll(async () => {
  vm = await startAfkVm();
});
afterAll(() => vm?.stop());
beforeEach(async () => {
  // A test may have spoilt the units.
  await vm.ok("/root/systemd/install");
  await vm.reset();
  await vm.configure({
    jobs: [{ name: "rare", kind: "exec", schedule: "0 0 1 1 *", command: ["sleep", "600"] }],
  });
});

const UNITS = "afk.timer afk-loop.service afk-stop.path afk-watchdog.timer afk-backup.timer";
/** What the drill could leave behind. */
const TRACES =
  "ls -d /run/systemd/system/afk*.d /run/afk-drill/worker 2>/dev/null; docker ps -aq --filter name=afk-by-hand --filter volume=/run/afk-drill/worker/state; grep -l 'afk-drill-[s]ign' /proc/[0-9]*/cmdline 2>/dev/null; true";

describe("afk drill systemctl", () => {
  it.each([
    ["the timer that runs", "systemctl start afk.timer", "afk.timer"],
    ["a timer that is stopped, with all that it would start", "true", "afk.timer"],
    ["the loop that runs", "systemctl start afk-loop.service", "afk-loop.service"],
  ])("proves the kill, and leaves as it was %s", async (_, before, stopped) => {
    await vm.ok(before);
    await idle();
    const ran = await running();

    const { code, stdout, stderr } = await vm.exec("afk drill systemctl --json");

    expect(stderr).toBe("");
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ name: "systemctl", passed: true });
    await eventually("what ran runs again", async () => (await running()) === ran);
    expect(await vm.ok(TRACES)).toBe("");
    const record = await vm.ok("cat /var/lib/afk/data/runs/kill-test-3.md");
    say(`  ${/goneMs \| \d+/.exec(record)?.[0]}, ${/stopMs \| \d+/.exec(record)?.[0]}, ${stopped}`);
    expect(record).toContain("# Drill systemctl: PASSED");
    expect(record).toContain(`systemctl stop ${stopped}`);
    expect(record).toMatch(/\| host \| vm \|/);
    expect(record).toMatch(/\| processesAfter \| 0 \|/);
    // The real agent's job was not touched, and nobody was bothered.
    expect(JSON.parse(await vm.ok("afk jobs --json"))).toEqual([]);
    expect(await vm.receiver.received()).toEqual([]);
  });

  it("counts as one of the two ways to kill that the clock asks for", async () => {
    await vm.ok("afk drill cap stop-file");
    const refused = await vm.exec("afk clock start");
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("of the kill mechanisms only stop-file has passed");
    await vm.ok("afk drill systemctl");
    expect(await vm.ok("afk clock start")).toContain("Day 0");
  });

  it("is refused while a tick is at work, which goes on", async () => {
    await vm.ok("systemctl start afk.timer");
    await idle();
    await vm.ok("systemd-run -q --collect /usr/local/bin/afk tick --now rare");
    await eventually("the job runs", async () => (await vm.exec('pgrep -fx "sleep 600"')).code === 0);
    const { code, stderr } = await vm.exec("afk drill systemctl");
    expect(stderr).toContain("at work");
    expect(code).toBe(1);
    expect((await vm.exec('pgrep -fx "sleep 600"')).code).toBe(0);
    await vm.ok("/usr/local/lib/afk/end-worker 1");
  });

  it.each([
    ["afk stop", "the kill switch is set"],
    ["rm /etc/systemd/system/afk.timer; systemctl daemon-reload", "afk.timer is not-found"],
  ])("is refused after: %s", async (wreck, reason) => {
    await vm.ok(wreck);
    const { code, stderr } = await vm.exec("afk drill systemctl");
    expect(stderr).toContain(reason);
    expect(code).toBe(1);
    expect(await vm.exec("ls /var/lib/afk/data/runs")).toMatchObject({ stdout: "" });
  });

  it("fails where the units do not end the worker, and ends it itself", async () => {
    // What an editor of the units may do: the worker is bound to its timer no more. Before the timer is started, since
    // systemd has its first tick come again after a reload.
    await vm.ok(
      "sed -i /PartOf/d /etc/systemd/system/afk.service; sed -i /ExecStop=/d /etc/systemd/system/afk-hold.service; systemctl daemon-reload",
    );
    await vm.ok("systemctl start afk.timer");
    await idle();
    const { code, stdout, stderr } = await vm.exec("afk drill systemctl");
    expect(stdout, stderr).toContain("systemctl FAILED");
    expect(code).toBe(1);
    const record = await vm.ok("cat /var/lib/afk/data/runs/kill-test-3.md");
    expect(record).toMatch(/\*\*Failed:\*\* left alive: /);
    expect(await vm.ok(TRACES)).toBe("");
    expect(await vm.ok("systemctl is-active afk.timer")).toBe("active\n");
    expect((await vm.exec("afk clock start")).stderr).toContain("no kill mechanism has passed");
  });

  it.each([
    ["Ctrl-C at the terminal", "pkill -INT -f 'lib/[a]fk/drill drill systemctl'"],
    ["SIGKILL to the drill itself", "systemctl kill --signal=SIGKILL afk-drill.service"],
  ])("puts back what ran when it is cut off half-way: %s", async (_, wreck) => {
    await vm.ok("systemctl start afk.timer");
    await idle();
    const ran = await running();
    const drilling = vm.exec("afk drill systemctl");
    let ended = "";
    void drilling.then(({ code, stderr }) => {
      ended = `it ended with ${code}: ${stderr}`;
    });
    await eventually("it is half-way", async () => {
      expect(ended).toBe("");
      const { stdout } = await vm.exec("wc -c </run/afk-drill/worker/state/signs");
      return Number(stdout) > 0;
    });
    await vm.ok(wreck);
    expect((await drilling).code).toBe(1);
    await eventually(
      "all is as it was",
      async () => (await running()) === ran && (await vm.ok(TRACES)) === "",
    );
    expect(await vm.exec("ls /var/lib/afk/data/runs/kill-test-3.md")).toMatchObject({ stdout: "" });
  });
});

/** Those of the units that run. */
async function running(): Promise<string> {
  return (await vm.exec(`systemctl is-active ${UNITS}`)).stdout;
}

/** The tick that comes with the start of the timer is over, and the loop has made its first. */
async function idle(): Promise<void> {
  const isLoop = (await vm.exec("systemctl is-active --quiet afk-loop.service")).code === 0;
  const isTimer = (await vm.exec("systemctl is-active --quiet afk.timer")).code === 0;
  if (!isLoop && !isTimer) return;
  await eventually("the first tick is over", async () => {
    const { stdout } = await vm.exec("cat /var/lib/afk/data/logs/*.jsonl");
    const state = (await vm.exec("systemctl show -P ActiveState afk.service")).stdout.trim();
    return stdout.includes('"tick_finished"') && (isLoop || state === "inactive");
  });
}
