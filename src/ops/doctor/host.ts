import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Environment, processEnvironment } from "../../config/environment.ts";

/** What the machine around afk looks like. A test gives its own. */
export type Host = ReturnType<typeof thisHost>;

/** Where the host's own command shows a container a copy of its units (systemd/bin/afk). */
const UNITS_COPY = "/run/afk-units";
const UNITS = "/etc/systemd/system";

/** The machine that this process runs on. */
export function thisHost(environment: Environment = processEnvironment()) {
  const isContainer = existsSync("/.dockerenv") || existsSync("/run/.containerenv");
  const instance = environment.AFK_INSTANCE || null;
  const folder = existsSync(UNITS_COPY) ? UNITS_COPY : isContainer ? null : UNITS;
  return {
    environment,
    nodeVersion: process.versions.node,
    platform: process.platform as string,
    /** Who afk is; null where there are no such numbers. */
    userId: process.getuid?.() ?? null,
    /** Which file system each folder is on, in the form of proc(5). */
    mountInfo: "/proc/self/mountinfo",
    /** Host settings and secrets of a deployment by systemd. */
    envFile: instance === null ? "/etc/afk/env" : `/etc/afk/instances/${instance}/env`,
    isContainer,
    // sd_booted(3): the folder is there when systemd runs the machine.
    hasSystemd: existsSync("/run/systemd/system"),
    /** The timer's unit file, in the folders where it may be. */
    timerFiles: ["/etc", "/run", "/usr/local/lib", "/usr/lib"].map(
      (dir) => `${dir}/systemd/system/${instance === null ? "afk.timer" : "afk@.timer"}`,
    ),
    /** The host's folder of units: where it can be read, and what it is called there. Null where it cannot be seen. */
    units: folder === null ? null : { folder, shownAs: UNITS },
    /** The units that this afk ships; null where it was installed without them. */
    shippedUnits: shippedUnits(),
    /** Where the schedule that `afk release` renders for systemd is installed. */
    dropIn: join(
      folder ?? UNITS,
      `${instance === null ? "afk.timer" : `afk@${instance}.timer`}.d/schedule.conf`,
    ),
    systemctl: "systemctl",
    crontab: "crontab",
  };
}

/** Beside the sources, beside the bundle of the image, or beside `dist/` of the package. */
function shippedUnits(): string | null {
  const folders = ["../../../systemd", "./systemd", "../systemd"].map((path) =>
    fileURLToPath(new URL(path, import.meta.url)),
  );
  return folders.find((folder) => existsSync(join(folder, "afk.timer"))) ?? null;
}
