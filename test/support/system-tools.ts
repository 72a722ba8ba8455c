import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** Programs that attacks need, and the Debian packages they come in. */
const PACKAGES: Record<string, string> = { strace: "strace", faketime: "faketime", setsid: "util-linux" };

export function hasTool(name: string): boolean {
  return (process.env.PATH ?? "").split(delimiter).some((dir) => isExecutable(join(dir, name)));
}

/** Why a test that needs `name` cannot run here; null when it can. */
export function missingTool(name: string): string | null {
  return hasTool(name) ? null : `${name} is not installed (apt-get install ${PACKAGES[name] ?? name})`;
}

/** Installs what is missing where that is possible without asking: as root on Debian or Ubuntu. Says what it does. */
export function installTools(): void {
  const missing = Object.keys(PACKAGES).filter((name) => !hasTool(name));
  if (missing.length === 0) return;
  if (process.getuid?.() !== 0 || !hasTool("apt-get")) {
    console.log(`not installed, so some attacks are skipped: ${missing.join(", ")}`);
    return;
  }
  const packages = missing.map((name) => PACKAGES[name] ?? name);
  console.log(`installing ${packages.join(", ")}`);
  const environment = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  for (const words of [
    ["update", "-q"],
    ["install", "-qy", "--no-install-recommends", ...packages],
  ]) {
    const { status, stderr } = spawnSync("apt-get", words, {
      env: environment,
      encoding: "utf8",
      stdio: ["ignore", "ignore", "pipe"],
    });
    if (status !== 0) console.log(`apt-get ${words[0]} failed: ${stderr.trim().slice(-500)}`);
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
