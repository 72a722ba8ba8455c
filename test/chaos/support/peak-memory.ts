import { existsSync, readFileSync } from "node:fs";

const STATUS = "/proc/self/status";

/** The most resident memory this process ever had: VmHWM of proc(5), or what getrusage(2) says where there is no /proc. */
export function peakBytes(): number {
  const kibibytes = existsSync(STATUS)
    ? /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(STATUS, "utf8"))?.[1]
    : process.resourceUsage().maxRSS;
  return Number(kibibytes) * 1024;
}
