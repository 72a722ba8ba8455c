import { spawn } from "node:child_process";
import { dirname } from "node:path";
import { systemClock } from "../../lib/clock.ts";
import { mountOf } from "./mount.ts";
import { readIfThere } from "./system-locks.ts";

const PATIENCE_MS = 5_000;

/**
 * False when a folder does not answer: it is on a disk of its own, over the network as a rule, that went away. A process that
 * touches such a folder hangs until it is back and cannot even end, whatever thread does it, so a process of its own tries to
 * write there. Where the folder is on the same disk as the one above it, nobody need try: what runs has that one open.
 */
export async function isReachable(dir: string): Promise<boolean> {
  const mounts = readIfThere("/proc/self/mountinfo");
  if (mountOf(dir, mounts).point === mountOf(dirname(dir), mounts).point) return true;
  const child = spawn("/bin/sh", ["-c", TRY, "afk", dir], { stdio: "ignore" });
  const ended = new Promise<true>((resolve) => {
    // What is wrong with a folder that answers is said better by who uses it.
    child.once("error", () => resolve(true)).once("exit", () => resolve(true));
  });
  const waiting = new AbortController();
  const tired = systemClock.sleep(PATIENCE_MS, waiting.signal).then(
    () => false,
    () => true,
  );
  const answered = await Promise.race([ended, tired]);
  waiting.abort();
  if (!answered) {
    child.kill("SIGKILL");
    child.unref();
  }
  return answered;
}

/** The file's name is nobody else's: it holds the process id of the shell. */
const TRY = `cd -- "$1" && (set -C; : >".afk-try-$$") && rm -f ".afk-try-$$"`;
