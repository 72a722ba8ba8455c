import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { release } from "node:os";
import { needTools } from "../../support/engine/apt.ts";
import { docker, run, say } from "../../support/engine/command.ts";
import { hasTool } from "../../support/system-tools.ts";

/** Programs for arm64 on a machine that is not one: the kernel hands them to qemu-user. */
const FOLDER = "/proc/sys/fs/binfmt_misc";
const NAME = "afk-test-aarch64";
const QEMU = "qemu-aarch64-static";
/** ELF, 64 bits, little-endian, an executable or a shared object, for AArch64; from QEMU's own qemu-binfmt-conf.sh. */
const MAGIC = String.raw`\x7f\x45\x4c\x46\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00`;
const MASK = String.raw`\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff`;

/**
 * Makes the engine's machine able to run programs for arm64, and gives what undoes it. Registering is possible as root on
 * the machine of the engine; elsewhere it must be able already. Throws with the reason why not.
 */
export async function needArm64(): Promise<() => void> {
  const architecture = (await docker(["info", "--format", "{{.Architecture}}"])).trim();
  if (/^(?:aarch64|arm64)$/.test(architecture) || isRegistered()) return () => undefined;
  const kernel = (await docker(["info", "--format", "{{.KernelVersion}}"])).trim();
  if (kernel !== release()) throw new Error("the engine runs on another machine");
  if (process.getuid?.() !== 0) throw new Error("binfmt_misc knows no aarch64, and only root can tell it");
  const unmount = await needFolder();
  await needTools({ [QEMU]: "qemu-user-static" });
  // Its package may have registered it.
  if (isRegistered()) return unmount;
  const path = ["/usr/bin", "/usr/local/bin"].map((dir) => `${dir}/${QEMU}`).find((file) => existsSync(file));
  if (path === undefined || !hasTool(QEMU)) throw new Error(`${QEMU} is not in /usr/bin`);
  // F: the kernel opens the interpreter now, so that it need not be in the container.
  writeFileSync(`${FOLDER}/register`, `:${NAME}:M::${MAGIC}:${MASK}:${path}:F`);
  say(`registered ${path} for programs of arm64, until the end of this test`);
  return () => {
    writeFileSync(`${FOLDER}/${NAME}`, "-1");
    unmount();
  };
}

/** Mounts what the kernel is told through, where that is not done yet; gives what undoes it. */
async function needFolder(): Promise<() => void> {
  if (existsSync(`${FOLDER}/register`)) return () => undefined;
  const { code, stderr } = await run("mount", ["-t", "binfmt_misc", "binfmt_misc", FOLDER]);
  if (code !== 0) throw new Error(`binfmt_misc cannot be mounted: ${stderr.trim()}`);
  return () => void spawnSync("umount", [FOLDER]);
}

function isRegistered(): boolean {
  return existsSync(FOLDER) && readdirSync(FOLDER).some((name) => /aarch64$/.test(name));
}
