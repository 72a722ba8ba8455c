import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { say } from "../support/engine/command.ts";
import { type AfkVm, startAfkVm } from "./systemd/afk-vm.ts";
import { FREEZE, healEngine, KILL, THAW } from "./systemd/engine.ts";
import { eventually } from "./systemd/eventually.ts";
import { MISBEHAVIOUR } from "./systemd/misbehaviour.ts";

/**
 * `systemctl stop afk.timer`, and nothing else, ends the schedule and the tick in flight. Each case says what is wrong with
 * the machine at that moment, and until when at the latest the worker may have sent a byte to its model.
 */
interface Case {
  name: string;
  /** What the worker does besides its work, from its start. */
  misbehaves?: keyof typeof MISBEHAVIOUR;
  /** Done in the VM when the worker is at work. `$CLIENT`, `$INIT` and `$WORKER` are process ids. */
  wreck?: string;
  boundMs: number;
}

/** Ten seconds until SIGKILL, and as much again for a machine that is busy with other tests. */
const GRACE_MS = 10_000;
const SLACK_MS = 5_000;

const CASES: Case[] = [
  { name: "a healthy worker", boundMs: SLACK_MS },
  { name: "a worker whose event loop is blocked", misbehaves: "blocked", boundMs: GRACE_MS + SLACK_MS },
  { name: "a worker that ignores SIGTERM", misbehaves: "ignoring", boundMs: GRACE_MS + SLACK_MS },
  { name: "children that ignore SIGTERM", misbehaves: "children", boundMs: GRACE_MS + SLACK_MS },
  { name: "a worker that is stopped by SIGSTOP", wreck: "kill -STOP $WORKER", boundMs: GRACE_MS + SLACK_MS },
  { name: "a docker client that was killed", wreck: "kill -KILL $CLIENT", boundMs: SLACK_MS },
  { name: "a frozen engine", wreck: FREEZE, boundMs: GRACE_MS + SLACK_MS },
  {
    name: "a frozen engine and a worker that ignores SIGTERM",
    misbehaves: "ignoring",
    wreck: FREEZE,
    boundMs: GRACE_MS + SLACK_MS,
  },
  {
    name: "a killed docker client, a frozen engine and a worker that ignores SIGTERM",
    misbehaves: "ignoring",
    wreck: `${FREEZE}; kill -KILL $CLIENT`,
    boundMs: GRACE_MS + SLACK_MS,
  },
  { name: "a dead engine", wreck: KILL, boundMs: SLACK_MS },
];

let vm: AfkVm;

beforeAll(async () => {
  vm = await startAfkVm();
  await vm.model({ otherwise: { type: "slow", everyMs: 30 } });
});
afterAll(() => vm?.stop());

beforeEach(async () => {
  await healEngine(vm);
  await vm.reset();
  await vm.fillInbox(200);
});

describe("systemctl stop afk.timer", () => {
  it.for(CASES)("ends the worker: $name", async (scenario) => {
    await atWork(scenario);
    await wreck(scenario);
    const stopped = await stopAndMeasure("systemctl stop afk.timer");
    say(
      `  ${scenario.name}: stopped in ${stopped.tookMs} ms, last byte to the model after ${stopped.lastByteMs} ms`,
    );
    expect(stopped.left).toBe("");
    expect(stopped.lastByteMs).toBeLessThan(scenario.boundMs);
    // Client and container are given their time after that; it is never unbounded.
    expect(stopped.tookMs).toBeLessThan(30_000);
    await expectNothingAfterwards();
  });

  it("ends a tick that was started by hand", async () => {
    await configure();
    await vm.fillInbox(1);
    await vm.ok("systemctl start afk.timer");
    await eventually("the timer's own tick is over", async () => {
      const { code } = await vm.exec("ls /var/lib/afk/data/out/*.md");
      return code === 0 && (await stateOf("afk.service")) === "inactive";
    });
    await vm.fillInbox(200);
    const before = await requestCount();
    // Detached from this call, as in another terminal.
    await vm.ok("systemd-run -q --collect /usr/local/bin/afk tick --now digest");
    await eventually("it calls the model", async () => (await requestCount()) > before + 1);
    const stopped = await stopAndMeasure("systemctl stop afk.timer");
    say(`  by hand: stopped in ${stopped.tookMs} ms, last byte to the model after ${stopped.lastByteMs} ms`);
    expect(stopped.left).toBe("");
    expect(stopped.lastByteMs).toBeLessThan(SLACK_MS);
    await expectNothingAfterwards();
  });

  it("leaves nothing that a thawed engine starts after all", async () => {
    await configure();
    // The client has sent its request and waits; whatever the engine makes of it later must not live.
    await vm.ok(`${FREEZE}; systemctl start afk.timer`);
    await eventually(
      "the tick is being started",
      async () => (await stateOf("afk.service")) === "activating",
    );
    await vm.ok("systemctl stop afk.timer");
    await vm.ok(THAW);
    await expectNothingAfterwards();
  });
});

async function configure(): Promise<void> {
  await vm.configure({
    models: { chain: ["ollama/qwen2.5:3b"], providers: { ollama: { base_url: "http://ollama:11434" } } },
    jobs: [
      { name: "digest", kind: "digest", every: "1h", max_items: 200, sources: [{ folder: "/data/inbox" }] },
    ],
  });
}

/** Starts the timer and waits until the worker has called its model a few times. */
async function atWork({ misbehaves }: Case): Promise<void> {
  await configure();
  if (misbehaves !== undefined) {
    await vm.write("/var/lib/afk/data/misbehave.mjs", MISBEHAVIOUR[misbehaves]);
    await vm.ok("echo NODE_OPTIONS=--import=/data/misbehave.mjs >> /etc/afk/env");
  }
  const before = await requestCount();
  await vm.ok("systemctl start afk.timer");
  await eventually("the worker calls its model", async () => (await requestCount()) > before);
  if (misbehaves !== undefined) {
    await eventually("it misbehaves", async () => {
      const { stdout } = await vm.exec("docker logs afk 2>&1");
      return stdout.includes("misbehaving");
    });
  }
}

async function wreck({ wreck: script }: Case): Promise<void> {
  if (script === undefined) return;
  await vm.ok(`
    INIT=$(docker inspect -f '{{.State.Pid}}' afk); WORKER=$(pgrep -P "$INIT" | head -n 1)
    CLIENT=$(systemctl show -P MainPID afk.service)
    [ "$INIT" -gt 1 ] && [ "$WORKER" -gt 1 ] && [ "$CLIENT" -gt 1 ] || exit 1
    ${script}`);
}

/** What is left is looked for by the kernel's word, since the engine may be frozen. A process that only waits to be reaped is dead. */
const LEFT = `for p in $(find /sys/fs/cgroup -path '*afk.slice*' -name cgroup.procs -exec cat {} + 2>/dev/null | sort -u); do
    grep -qs '^State:.[ZX]' /proc/$p/status || ps -o pid=,stat=,args= -p $p; done; true`;

async function stopAndMeasure(command: string) {
  const [from, to] = (await vm.ok(`date +%s%3N; ${command}; date +%s%3N`)).trim().split("\n").map(Number);
  const left = (await vm.ok(LEFT)).trim();
  const lastByteMs = (await lastByteAt()) - (from ?? 0);
  return { tookMs: (to ?? 0) - (from ?? 0), lastByteMs, left };
}

/** The engine works again, and neither it nor the timer brings anything back. */
async function expectNothingAfterwards(): Promise<void> {
  const bytes = await lastByteAt();
  await healEngine(vm);
  await eventually("no container of the worker is left", async () => {
    const names = await vm.ok("docker ps -aq --filter name='^afk$' --filter name='^afk-by-hand$'");
    return names.trim() === "" && (await stateOf("afk-reap.service")) !== "activating";
  });
  expect(await vm.ok(LEFT)).toBe("");
  expect(await stateOf("afk.timer")).toBe("inactive");
  expect(await stateOf("afk.service")).not.toBe("activating");
  expect(await lastByteAt()).toBe(bytes);
}

async function lastByteAt(): Promise<number> {
  return (await vm.traffic()).at(-1)?.at ?? 0;
}

async function requestCount(): Promise<number> {
  return (await vm.traffic()).filter(({ bytes }) => bytes > 0).length;
}

async function stateOf(unit: string): Promise<string> {
  return (await vm.exec(["systemctl", "is-active", unit])).stdout.trim();
}
