import { type ChildProcess, spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { must, run } from "./command.ts";
import { readFirewall, repairFirewall, restoreFirewall } from "./firewall.ts";

/**
 * Owns a Docker engine for as long as its standard input is open: `node engine-keeper.ts FOLDER`. Prints `ready` when the
 * engine answers at FOLDER/docker.sock. It is a process of its own so that the engine, its containers, its networks and
 * FOLDER are gone too when the tests are interrupted or killed: their end of the pipe then closes.
 */
const START_MS_MAX = 60_000;
const STOP_MS_MAX = 20_000;
const FORWARDING = "/proc/sys/net/ipv4/ip_forward";

const folder = process.argv[2];
if (folder === undefined) throw new Error("usage: engine-keeper.ts FOLDER");
const host = `unix://${join(folder, "docker.sock")}`;
const bridge = `afkt${process.pid}`;

const ended = new Promise<void>((resolve) => {
  process.stdin.resume().once("close", resolve).once("error", resolve);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => resolve());
});
// Whoever read the output may be gone before this process is.
process.stdout.on("error", () => undefined);

const firewall = await readFirewall();
const forwarding = readFileSync(FORWARDING, "utf8");
const cgroups = engineCgroups();
let engine: ChildProcess | undefined;
try {
  await makeBridge();
  engine = startEngine();
  if (await answers(engine)) {
    await repairFirewall(firewall);
    process.stdout.write("ready\n");
    await Promise.race([ended, new Promise((resolve) => engine?.once("exit", resolve))]);
  } else {
    process.stderr.write(readFileSync(join(folder, "dockerd.log"), "utf8").slice(-2_000));
    process.exitCode = 1;
  }
} finally {
  await stopEngine();
  await restoreMachine();
}
// Standard input may still be open.
process.exit();

/** A bridge of our own, at a subnet that no route of this machine covers; `docker0` may be somebody else's. */
async function makeBridge(): Promise<void> {
  const routes = await must("ip", ["-4", "route", "show", "table", "all"]);
  const octet = Array.from({ length: 200 }, (_, index) => 20 + index).find(
    (number) => !routes.includes(`10.213.${number}.`),
  );
  await must("ip", ["link", "add", "name", bridge, "type", "bridge"]);
  await must("ip", ["address", "add", `10.213.${octet}.1/24`, "dev", bridge]);
  await must("ip", ["link", "set", bridge, "up"]);
}

function startEngine(): ChildProcess {
  const path = (name: string) => join(folder ?? "", name);
  mkdirSync(path("data"), { recursive: true });
  // The machine's own settings file is for the machine's own engine.
  writeFileSync(path("daemon.json"), "{}\n");
  const log = openSync(path("dockerd.log"), "a");
  return spawn(
    "dockerd",
    [
      ["--config-file", path("daemon.json")],
      ["--host", host],
      ["--data-root", path("data")],
      ["--exec-root", path("exec")],
      ["--pidfile", path("dockerd.pid")],
      ["--bridge", bridge],
    ].flat(),
    { stdio: ["ignore", log, log], detached: true },
  );
}

async function answers(child: ChildProcess): Promise<boolean> {
  let isRunning = true;
  child.once("exit", () => {
    isRunning = false;
  });
  child.once("error", () => {
    isRunning = false;
  });
  for (const until = Date.now() + START_MS_MAX; isRunning && Date.now() < until; ) {
    const { code } = await run("docker", ["--host", host, "version"], { timeoutMs: 10_000 });
    if (code === 0) return true;
    await pause(200);
  }
  return false;
}

async function stopEngine(): Promise<void> {
  if (engine === undefined) return;
  const ask = (words: readonly string[]) =>
    run("docker", ["--host", host, ...words], { timeoutMs: STOP_MS_MAX });
  if (engine.exitCode === null) {
    const containers = (await ask(["ps", "-aq"])).stdout.split("\n").filter(Boolean);
    if (containers.length > 0) await ask(["rm", "-fv", ...containers]);
    const networks = (await ask(["network", "ls", "-q", "--filter", "type=custom"])).stdout.split("\n");
    for (const network of networks.filter(Boolean)) await ask(["network", "rm", network]);
    const exit = new Promise((resolve) => engine?.once("exit", resolve));
    engine.kill("SIGTERM");
    await Promise.race([exit, pause(STOP_MS_MAX)]);
    if (engine.exitCode === null) engine.kill("SIGKILL");
  }
  // containerd and the shims of containers that would not go; all of them name the folder.
  for (const pid of processesOf(folder ?? "")) endProcess(pid);
}

async function restoreMachine(): Promise<void> {
  const mounts = readFileSync("/proc/self/mounts", "utf8").split("\n");
  const ours = mounts.map((line) => line.split(" ")[1] ?? "").filter((at) => at.startsWith(`${folder}/`));
  for (const at of ours.reverse()) await run("umount", ["-l", at]);
  await run("ip", ["link", "delete", bridge]);
  await restoreFirewall(firewall, bridge);
  const hadEngine = firewall.some(({ chains }) => chains.some((chain) => chain.startsWith(":DOCKER")));
  if (!hadEngine && readFileSync(FORWARDING, "utf8") !== forwarding) writeFileSync(FORWARDING, forwarding);
  for (const path of engineCgroups()) {
    if (cgroups.includes(path)) continue;
    try {
      rmdirSync(path);
    } catch (error) {
      process.stderr.write(`${path} is left behind: ${error}\n`);
    }
  }
  rmSync(folder ?? "", { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
}

/** The groups above those of the containers, which engines leave behind; in every hierarchy of cgroup v1, or in v2's one. */
function engineCgroups(): string[] {
  const top = "/sys/fs/cgroup";
  if (!existsSync(top)) return [];
  const hierarchies = readdirSync(top).map((name) => join(top, name, "docker"));
  return [join(top, "docker"), ...hierarchies].filter((path) => existsSync(path));
}

function processesOf(text: string): number[] {
  const pids = readdirSync("/proc").map(Number).filter(Number.isInteger);
  return pids.filter(
    (pid) => pid !== process.pid && commandLine(pid).some((word) => word.includes(`${text}/`)),
  );
}

function commandLine(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
  } catch {
    // It has ended since the folder was read.
    return [];
  }
}

function endProcess(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}
