import { existsSync } from "node:fs";
import { type Environment, processEnvironment } from "../../config/environment.ts";

/** What the machine around afk looks like. A test gives its own. */
export interface Host {
  environment: Environment;
  nodeVersion: string;
  platform: string;
  /** Who afk is; null where there are no such numbers. */
  userId: number | null;
  /** Which file system each folder is on, in the form of proc(5). */
  mountInfo: string;
  /** Host settings and secrets of a deployment by systemd. */
  envFile: string;
  isContainer: boolean;
  hasSystemd: boolean;
  /** The timer's unit file, in the folders where it may be. */
  timerFiles: readonly string[];
  /** Where the schedule that `afk release` renders for systemd is installed. */
  dropIn: string;
  systemctl: string;
}

export function thisHost(environment: Environment = processEnvironment()): Host {
  return {
    environment,
    nodeVersion: process.versions.node,
    platform: process.platform,
    userId: process.getuid?.() ?? null,
    mountInfo: "/proc/self/mountinfo",
    envFile: "/etc/afk/env",
    isContainer: existsSync("/.dockerenv") || existsSync("/run/.containerenv"),
    // sd_booted(3): the folder is there when systemd runs the machine.
    hasSystemd: existsSync("/run/systemd/system"),
    timerFiles: ["/etc", "/run", "/usr/local/lib", "/usr/lib"].map(
      (dir) => `${dir}/systemd/system/afk.timer`,
    ),
    dropIn: "/etc/systemd/system/afk.timer.d/schedule.conf",
    systemctl: "systemctl",
  };
}
