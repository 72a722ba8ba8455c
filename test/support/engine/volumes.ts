import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { inject, onTestFinished } from "vitest";
import { docker, must } from "./command.ts";
import { labelWords, uniqueName } from "./names.ts";
import "./provided.ts";

/** Volumes, also of engines on another machine: no folder of this one is mounted. */

/** An empty one that goes with the test. As the worker's /data it gets that folder's owner. */
export async function emptyVolume(): Promise<string> {
  const name = uniqueName("volume");
  await docker(["volume", "create", ...labelWords(), name]);
  onTestFinished(() => docker(["volume", "rm", "-f", name]).then(() => undefined));
  return name;
}

/** One with these files, by their paths in it, of root and readable to all. It goes with the test. */
export async function volumeOf(files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "afk-volume-"));
  try {
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), content);
    }
    return await volumeLike(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** One with what is in `folder`, of root and readable to all. It goes with the test. */
export async function volumeLike(folder: string): Promise<string> {
  const name = await emptyVolume();
  const archive = join(mkdtempSync(join(tmpdir(), "afk-volume-")), "files.tar");
  try {
    await must("tar", ["-C", folder, "--owner=0", "--group=0", "--mode=a+rX", "-cf", archive, "."]);
    const holder = ["create", ...labelWords(), "-v", `${name}:/volume`, inject("engine").baseImage];
    const id = (await docker(holder)).trim();
    // Through the engine, since nothing can be said about the standard input of a container that has ended already.
    await must("sh", ["-c", 'docker cp - "$1:/volume" < "$2"', "copy", id, archive]);
    await docker(["rm", id]);
  } finally {
    rmSync(dirname(archive), { recursive: true, force: true });
  }
  return name;
}
