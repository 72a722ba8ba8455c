import { spawn } from "node:child_process";
import { dirname } from "node:path";
import { systemClock } from "../lib/clock.ts";
import { readIfThere } from "./sqlite/system-locks.ts";

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

/**
 * The file system that holds `dir`, from proc(5)'s mountinfo: the longest mount point that leads to it, and of those the last,
 * which covers the ones before. Touches no file.
 */
export function mountOf(dir: string, mountInfo: string): { point: string; type: string } {
  let best = { point: "", type: "unknown" };
  for (const line of mountInfo.split("\n")) {
    const fields = line.split(" ");
    const mark = fields.indexOf("-");
    const [written, type] = [fields[4], mark === -1 ? undefined : fields[mark + 1]];
    if (written === undefined || type === undefined) continue;
    // Spaces and the like are written in octal.
    const point = written.replace(/\\(\d{3})/g, (_all, code: string) =>
      String.fromCharCode(Number.parseInt(code, 8)),
    );
    const leadsTo = point === "/" || dir === point || dir.startsWith(`${point}/`);
    if (leadsTo && point.length >= best.point.length) best = { point, type };
  }
  return best;
}
