import { cpSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";
import type { BaseImages } from "./base-images.ts";
import { buildSettings, proxySettings } from "./build-settings.ts";
import { cached, thisMonth } from "./cache.ts";
import { docker, say } from "./command.ts";
import type { Engine } from "./find-engine.ts";
import { isThere } from "./pull.ts";

/** The images under test, built from this checkout, and those around it. */
export const AFK_IMAGE = "afk:test";
export const VM_IMAGE = "afk-test-vm:latest";
export const MODEL_IMAGE = "afk-test-model:latest";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const HERE = fileURLToPath(new URL(".", import.meta.url));

/** From the repository's Dockerfile. Throws with the end of the build's output. */
export async function buildAfk(base: BaseImages): Promise<void> {
  say(`building ${AFK_IMAGE}`);
  await build(["--build-arg", `BASE=${base.node}`, ...buildSettings(), "-t", AFK_IMAGE, ROOT]);
}

export async function buildModel(base: BaseImages, folder: string): Promise<void> {
  const context = join(folder, "model");
  mkdirSync(context, { recursive: true });
  cpSync(join(HERE, "model", "Dockerfile"), join(context, "Dockerfile"));
  const bundle = await rolldown({ input: join(HERE, "model", "ollama.ts"), platform: "node" });
  try {
    await bundle.write({ file: join(context, "ollama.js"), format: "esm" });
  } finally {
    await bundle.close();
  }
  await build(["--build-arg", `BASE=${base.node}`, "-t", MODEL_IMAGE, context]);
}

/** An engine that keeps nothing gets it from an archive, where an earlier run has left one. */
export async function buildVm(base: BaseImages, engine: Engine): Promise<void> {
  const context = join(HERE, "vm");
  const make = () => {
    say(`building ${VM_IMAGE} (Debian 13, systemd, Docker)`);
    return build(["--build-arg", `DEBIAN=${base.debian}`, ...proxySettings(), "-t", VM_IMAGE, context]);
  };
  if (!engine.isPrivate) {
    await make();
    return;
  }
  const files = readdirSync(context).map((name) => readFileSync(join(context, name), "utf8"));
  const archive = await cached("vm", [base.debian, thisMonth(), ...files], async (path) => {
    await make();
    await docker(["save", "-o", path, VM_IMAGE]);
  });
  if (!(await isThere(VM_IMAGE))) await docker(["load", "-q", "-i", archive]);
}

function build(words: readonly string[]): Promise<string> {
  return docker(["build", "-q", ...words], { env: { DOCKER_BUILDKIT: "1" } });
}
