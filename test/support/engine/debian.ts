import { existsSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { hasTool } from "../system-tools.ts";
import { canInstall, needTools } from "./apt.ts";
import { cached, thisMonth } from "./cache.ts";
import { docker, must, say } from "./command.ts";
import { isThere } from "./pull.ts";

/** A minimal Debian 13 as an image, for engines that cannot pull one: made with debootstrap. */
const NAME = "afk-test-debian";
/** What node's binary needs and Debian does not have by itself. */
const INCLUDE = "libatomic1,libstdc++6";
/** What a slim image leaves out. */
const SLIMMED = [
  "./var/cache/apt/*",
  "./var/lib/apt/lists/*",
  "./var/cache/debconf/*",
  "./var/log/*",
  "./usr/share/doc/*",
  "./usr/share/man/*",
  "./usr/share/info/*",
  "./usr/share/locale/*",
  "./dev/*",
  "./proc/*",
  "./sys/*",
];
const INGREDIENTS = [INCLUDE, ...SLIMMED, thisMonth()];
const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** @param folder is the run's own. Gives the image's name. Throws where no Debian can be made. */
export async function makeDebian(folder: string): Promise<string> {
  if (!canInstall()) {
    throw new Error(
      "No image can be pulled, and a stand-in for it is made with debootstrap, as root on Debian or Ubuntu only.",
    );
  }
  await needTools({ debootstrap: "debootstrap" });
  const archive = await cached("debian-trixie", INGREDIENTS, (path) =>
    debootstrap(path, join(folder, "debian")),
  );
  // Imported again it would be another image, and all that is built on it would be built again.
  const image = `${NAME}:${basename(archive, ".tar")}`;
  if (await isThere(image)) return image;
  await docker(["import", "-c", `ENV PATH=${PATH}`, "-c", 'CMD ["bash"]', archive, image]);
  return image;
}

async function debootstrap(archive: string, root: string): Promise<void> {
  say("making a minimal Debian 13 with debootstrap, which takes about half a minute");
  try {
    const words = ["--variant=minbase", `--include=${INCLUDE}`, "trixie", root];
    await must(hasTool("debootstrap") ? "debootstrap" : "/usr/sbin/debootstrap", words);
    const excluded = SLIMMED.map((pattern) => `--exclude=${pattern}`);
    await must("tar", ["-C", root, "--numeric-owner", ...excluded, "-cf", archive, "."]);
  } finally {
    if (existsSync(root)) rmSync(root, { recursive: true, force: true });
  }
}
