import { cpSync, existsSync, mkdirSync, readdirSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { certificates } from "./build-settings.ts";
import { docker, must, run, say } from "./command.ts";
import { makeDebian } from "./debian.ts";
import type { Engine } from "./find-engine.ts";
import { havePulled, isThere } from "./pull.ts";

/**
 * The images that others are built on: pulled, or stand-ins of the same make where the registry cannot be reached. A
 * stand-in has the real name only in an engine that ends with the run.
 */
export interface BaseImages {
  node: string;
  debian: string;
  /** The node image is not the published one. */
  isStandIn: boolean;
  /** The registry could be reached, or was not needed. */
  canPull: boolean;
}

const NODE = "node:24-trixie-slim";
const DEBIAN = "debian:trixie-slim";
const NODE_STAND_IN = "afk-test-node:24-trixie-slim";
const DOCKERFILE = fileURLToPath(new URL("stand-in/Dockerfile", import.meta.url));
const NODE_BINARY = fileURLToPath(new URL("../../../node_modules/node/bin/node", import.meta.url));

/** @param folder is the run's own. Throws when an image can neither be pulled nor made. */
export async function needBaseImages(engine: Engine, folder: string): Promise<BaseImages> {
  const isPulled = await havePulled(NODE);
  // Where one cannot be reached, neither can the other; it may still be there from earlier.
  const hasDebian = isPulled ? await havePulled(DEBIAN) : await isThere(DEBIAN);
  const debian = hasDebian ? DEBIAN : await makeDebian(folder);
  if (isPulled) return { node: NODE, debian, isStandIn: false, canPull: hasDebian };
  say(`${NODE} cannot be pulled: a stand-in is made of Debian 13 and the npm package node`);
  await makeNode(debian, join(folder, "node"));
  if (!engine.isPrivate) return { node: NODE_STAND_IN, debian, isStandIn: true, canPull: false };
  await docker(["tag", NODE_STAND_IN, NODE]);
  return { node: NODE, debian, isStandIn: true, canPull: false };
}

/** Node's binary, npm where the published image has it, the user `node`, and the certificates that this machine trusts. */
async function makeNode(debian: string, context: string): Promise<void> {
  mkdirSync(join(context, "certificates"), { recursive: true });
  cpSync(existsSync(NODE_BINARY) ? NODE_BINARY : process.execPath, join(context, "node"), {
    dereference: true,
  });
  await copyNpm(context);
  const trusted = certificates();
  if (trusted !== undefined) cpSync(trusted, join(context, "certificates", "ca-certificates.crt"));
  const version = (await must(join(context, "node"), ["--version"])).trim().slice(1);
  const words = ["build", "-q", "-f", DOCKERFILE, "-t", NODE_STAND_IN];
  await docker([...words, "--build-arg", `DEBIAN=${debian}`, "--build-arg", `VERSION=${version}`, context]);
}

/** The npm of this machine, when it is in one piece (Debian's is spread over many packages); else from the registry. */
async function copyNpm(context: string): Promise<void> {
  const to = join(context, "npm");
  const { stdout } = await run("sh", ["-c", "command -v npm"]);
  const cli = process.env.npm_execpath ?? stdout.trim();
  const own = dirname(dirname(realpathSync(cli)));
  if (existsSync(join(own, "bin", "npm-cli.js")) && existsSync(join(own, "node_modules"))) {
    cpSync(own, to, { recursive: true, dereference: true });
    return;
  }
  await must("npm", ["pack", "npm@11", "--pack-destination", context]);
  const archive = readdirSync(context).find((name) => name.endsWith(".tgz")) ?? "";
  mkdirSync(to);
  await must("tar", ["-xzf", join(context, archive), "-C", to, "--strip-components=1"]);
}
