import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** Programs that tests start, and the Debian packages they come in. */
const TOOL_PACKAGES: Record<string, string> = {
  strace: "strace",
  faketime: "faketime",
  setsid: "util-linux",
  unshare: "util-linux",
  iptables: "iptables",
  ip: "iproute2",
  python3: "python3-venv",
  zsh: "zsh",
  fish: "fish",
  pgbouncer: "pgbouncer",
};
/** What the tests of the page need; it is large, and not every system has it under this name. */
const BROWSER_PACKAGES: Record<string, string> = { chromium: "chromium" };
const PACKAGES: Record<string, string> = { ...TOOL_PACKAGES, ...BROWSER_PACKAGES };

const INSTALL_MS_MAX = 10 * 60_000;

export function hasTool(name: string): boolean {
  return (process.env.PATH ?? "").split(delimiter).some((dir) => isExecutable(join(dir, name)));
}

/** Why a test that needs `name` cannot run here; null when it can. */
export function missingTool(name: string): string | null {
  return hasTool(name) ? null : `${name} is not installed (apt-get install ${PACKAGES[name] ?? name})`;
}

/** Installs what is missing where that is possible without asking: as root on Debian or Ubuntu. Says what it does. */
export function installTools(options: { withBrowser?: boolean } = {}): void {
  const isMissing = (name: string) => !hasTool(name) || (name === "python3" && !hasVenv());
  install(Object.keys(TOOL_PACKAGES).filter(isMissing));
  // By itself, so that a system without this package still gets the others.
  if (options.withBrowser && missingBrowser() !== null) install(Object.keys(BROWSER_PACKAGES));
}

/** Debian has what makes virtual environments in a package of its own. */
function hasVenv(): boolean {
  return spawnSync("python3", ["-c", "import ensurepip, venv"]).status === 0;
}

function install(missing: readonly string[]): void {
  if (missing.length === 0) return;
  if (process.getuid?.() !== 0 || !hasTool("apt-get")) {
    console.log(`not installed, so some tests are skipped: ${missing.join(", ")}`);
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
      timeout: INSTALL_MS_MAX,
    });
    if (status !== 0) console.log(`apt-get ${words[0]} failed: ${stderr.trim().slice(-500)}`);
  }
}

/** Where the tests' browser may be; Debian's package puts it first. */
const BROWSERS = ["/usr/bin/chromium", "/usr/bin/google-chrome", "/usr/bin/chromium-browser"];

export function browserPath(): string | undefined {
  return BROWSERS.find(isExecutable);
}

/** Why a test that needs a browser cannot run here; null when it can. */
export function missingBrowser(): string | null {
  return browserPath() === undefined ? "chromium is not installed (apt-get install chromium)" : null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
