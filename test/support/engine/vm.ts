import { spawn } from "node:child_process";
import { pipeline } from "node:stream/promises";
import { GenericContainer, type StartedTestContainer, Wait } from "testcontainers";
import { inject, onTestFinished } from "vitest";
import { type CommandOptions, type CommandResult, docker, run } from "./command.ts";
import { labelWords, runLabels, uniqueName } from "./names.ts";
import "./provided.ts";

/**
 * A container that stands for the VM: systemd as PID 1, and a Docker engine of its own (systemd's cgroup driver, so
 * `--cgroup-parent` puts containers into a slice). It shares the host's kernel, so a reboot changes neither the boot id nor
 * the uptime. Where the host gives no CAP_SYS_RESOURCE, containers in it cannot lower their OOM score or raise hard limits.
 */
export interface Vm {
  container: StartedTestContainer;
  /** Runs words, or a line of `sh`, as root in the VM to its end. */
  exec(command: string | readonly string[], options?: CommandOptions): Promise<CommandResult>;
  /** The same, for commands that must succeed: gives standard output, throws otherwise. */
  ok(command: string | readonly string[], options?: CommandOptions): Promise<string>;
  /** Copies an image of the run's engine into the VM's own. */
  load(image: string): Promise<void>;
  /** Writes a file, with its folder. `mode` is octal, as for chmod. */
  write(path: string, content: string | Uint8Array, mode?: string): Promise<void>;
  /** An orderly shutdown and start. Resolves when systemd is up again. */
  reboot(): Promise<void>;
  /** As when the power fails: every process is killed at once. Resolves when systemd is up again. */
  powerCut(): Promise<void>;
  /** Ends it, and deletes its volume. */
  stop(): Promise<void>;
}

const BOOT_MS_MAX = 120_000;

class VmContainer extends GenericContainer {
  constructor(image: string, volume: string) {
    super(image);
    // Its control groups are its own: nothing of them is left on the host, and two VMs do not meet in afk.slice.
    Object.assign(this.hostConfig, { CgroupnsMode: "private" });
    this.withHostname("vm")
      .withLabels(runLabels())
      .withAddedCapabilities("SYS_ADMIN", "NET_ADMIN", "SYS_PTRACE")
      .withSecurityOpt("seccomp=unconfined", "apparmor=unconfined")
      .withTmpFs({ "/run": "", "/run/lock": "" })
      .withBindMounts([{ source: volume, target: "/var/lib/docker", mode: "rw" }])
      .withWaitStrategy(Wait.forSuccessfulCommand("systemctl is-system-running"))
      .withStartupTimeout(BOOT_MS_MAX);
  }
}

/** A VM for one test; it ends with the test. */
export async function vm(): Promise<Vm> {
  const started = await startVm();
  onTestFinished(() => started.stop());
  return started;
}

/** A VM for a whole file: started in `beforeAll`, and stopped by the caller in `afterAll`. */
export async function startVm(): Promise<Vm> {
  const volume = uniqueName("vm");
  await docker(["volume", "create", ...labelWords(), volume]);
  const container = await new VmContainer(inject("engine").vmImage, volume).start();
  const id = container.getId();

  const exec: Vm["exec"] = (command, options) =>
    run("docker", ["exec", "-i", id, ...wordsOf(command)], options);
  const ok: Vm["ok"] = (command, options) => docker(["exec", "-i", id, ...wordsOf(command)], options);
  return {
    container,
    exec,
    ok,
    load: (image) => load(image, id),
    write: async (path, content, mode = "644") => {
      const script = 'mkdir -p "$(dirname "$1")" && cat > "$1" && chmod "$2" "$1"';
      await ok(["sh", "-c", script, "write", path, mode], { input: content });
    },
    reboot: async () => {
      await docker(["restart", "--time", "60", id]);
      await booted(exec);
    },
    powerCut: async () => {
      await docker(["kill", id]);
      await docker(["start", id]);
      await booted(exec);
    },
    stop: async () => {
      await container.stop();
      await docker(["volume", "rm", "-f", volume]);
    },
  };
}

function wordsOf(command: string | readonly string[]): readonly string[] {
  return typeof command === "string" ? ["sh", "-c", command] : command;
}

/** Until every unit has been started or has failed; failed units are for the test to judge. */
async function booted(exec: Vm["exec"]): Promise<void> {
  for (const until = Date.now() + BOOT_MS_MAX; Date.now() < until; ) {
    // `--wait` fails at once as long as systemd does not answer.
    const { stdout } = await exec("systemctl is-system-running --wait", { timeoutMs: BOOT_MS_MAX });
    if (/^(?:running|degraded)$/m.test(stdout)) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error("systemd did not come up after the VM was started again");
}

async function load(image: string, id: string): Promise<void> {
  const save = spawn("docker", ["save", image], { stdio: ["ignore", "pipe", "inherit"] });
  const into = spawn("docker", ["exec", "-i", id, "docker", "load", "-q"], {
    stdio: ["pipe", "ignore", "inherit"],
  });
  const code = new Promise<number | null>((resolve) => into.once("close", resolve));
  await pipeline(save.stdout, into.stdin);
  if ((await code) !== 0) throw new Error(`The VM's engine did not take ${image}`);
}
