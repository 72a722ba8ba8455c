import { spawnSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, rmSync, statfsSync, writeSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** Room for the ballast, for the room beyond it that afk asks for, and for its work. */
const SIZE_MIB = 24;

/** Why a file system cannot be mounted here; null when it can. */
export function cannotMount(): string | null {
  if (process.platform !== "linux") return "tmpfs is Linux's";
  if (process.getuid?.() !== 0) return "mounting a file system needs root";
  const probe = "/tmp/afk-mount-probe";
  mkdirSync(probe, { recursive: true });
  const { status, stderr } = spawnSync("mount", ["-t", "tmpfs", "tmpfs", probe], { encoding: "utf8" });
  if (status === 0) spawnSync("umount", [probe]);
  rmSync(probe, { recursive: true, force: true });
  return status === 0 ? null : `a tmpfs cannot be mounted here: ${stderr.trim()}`;
}

/** A small file system of its own on `dir`; unmounted with the test. */
export function mountOn(dir: string): void {
  mkdirSync(dir, { recursive: true });
  run("mount", ["-t", "tmpfs", "-o", `size=${SIZE_MIB}m,mode=755`, "tmpfs", dir]);
  onTestFinished(() => run("umount", ["-l", dir]));
}

export function remount(dir: string, how: "ro" | "rw"): void {
  run("mount", ["-o", `remount,${how}`, dir]);
}

/** Fills the file system of `dir` until about `leftBytes` are left. */
export function fill(dir: string, leftBytes: number): void {
  const { bavail, bsize } = statfsSync(dir);
  const file = openSync(join(dir, "filler"), "w");
  try {
    const bytes = Buffer.alloc(Math.max(0, bavail * bsize - leftBytes));
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
  } finally {
    closeSync(file);
  }
}

export function makeRoom(dir: string): void {
  rmSync(join(dir, "filler"), { force: true });
}

function run(program: string, words: string[]): void {
  const { status, stderr } = spawnSync(program, words, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${program} ${words.join(" ")}: ${stderr.trim()}`);
}
