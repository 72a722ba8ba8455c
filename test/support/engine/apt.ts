import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hasTool } from "../system-tools.ts";
import { must, say } from "./command.ts";

/** Debian packages: installed where that is possible without asking, or taken apart without being installed. */
const QUIET = { DEBIAN_FRONTEND: "noninteractive" };
const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";

/** Whether this process may install packages: as root on Debian or Ubuntu. */
export function canInstall(): boolean {
  if (process.getuid?.() !== 0 || !hasTool("apt-get") || !existsSync("/etc/os-release")) return false;
  return /^ID(?:_LIKE)?=.*\b(?:debian|ubuntu)\b/m.test(readFileSync("/etc/os-release", "utf8"));
}

/** Installs these packages, and says so. Throws when apt fails. */
export async function install(packages: readonly string[]): Promise<void> {
  say(`installing ${packages.join(", ")}`);
  await must("apt-get", ["update", "-q"], { env: QUIET });
  await must("apt-get", ["install", "-qy", "--no-install-recommends", ...packages], { env: QUIET });
}

/** Installs the packages of those programs that are missing. Throws where nothing can be installed. */
export async function needTools(packageOf: Readonly<Record<string, string>>): Promise<void> {
  const missing = Object.keys(packageOf).filter((tool) => !hasTool(tool));
  if (missing.length === 0) return;
  if (!canInstall()) throw new Error(`not installed: ${missing.join(", ")}`);
  await install([...new Set(missing.map((tool) => packageOf[tool] ?? tool))]);
}

/**
 * Unpacks packages of Debian 13 into `folder`/root, and leaves the machine's own packages and lists as they are: the
 * sources, the lists and the cache that apt uses here are in `folder`.
 */
export async function unpackTrixie(packages: readonly string[], folder: string): Promise<string> {
  if (!existsSync(KEYRING)) await install(["debian-archive-keyring"]);
  for (const name of ["lists/partial", "cache/archives/partial", "packages", "root"]) {
    mkdirSync(join(folder, name), { recursive: true });
  }
  const sources = join(folder, "trixie.list");
  writeFileSync(sources, `deb [signed-by=${KEYRING}] ${await debianMirror()} trixie main\n`);
  const settings = [
    `Dir::Etc::SourceList=${sources}`,
    "Dir::Etc::SourceParts=/dev/null",
    `Dir::State::Lists=${join(folder, "lists")}`,
    `Dir::Cache=${join(folder, "cache")}`,
    "APT::Sandbox::User=root",
    "Acquire::Languages=none",
  ].flatMap((setting) => ["-o", setting]);
  await must("apt-get", [...settings, "update", "-q"], { env: QUIET });
  const there = join(folder, "packages");
  await must("apt-get", [...settings, "download", ...packages], { env: QUIET, cwd: there });
  const root = join(folder, "root");
  for (const file of readdirSync(there)) await must("dpkg-deb", ["-x", join(there, file), root]);
  return root;
}

/** The mirror that this machine gets Debian from; it has every release. */
async function debianMirror(): Promise<string> {
  const list = () => must("apt-get", ["indextargets", "--format", "$(REPO_URI)"]);
  const isDebian = (uri: string) => uri.endsWith("/debian/");
  let found = (await list()).split("\n").find(isDebian);
  if (found === undefined) {
    // A new machine knows its mirrors only once it has asked them.
    await must("apt-get", ["update", "-q"], { env: QUIET });
    found = (await list()).split("\n").find(isDebian);
  }
  if (found === undefined) throw new Error("this machine has no mirror of Debian among its apt sources");
  return found;
}
