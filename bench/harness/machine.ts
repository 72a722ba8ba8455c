import { statfsSync } from "node:fs";
import { arch, cpus, loadavg, platform, release, totalmem } from "node:os";
import Database from "better-sqlite3";
import manifest from "../../package.json" with { type: "json" };

/** Names of statfs(2) for what people put their temporary files on. */
const FILE_SYSTEMS: Record<number, string> = {
  61267: "ext4",
  1481003842: "xfs",
  2435016766: "btrfs",
  16914836: "tmpfs (in memory: an fsync costs nothing, and the ratios say little)",
  2035054128: "overlayfs",
  801189825: "zfs",
};

/** Where it was measured, and with what, one fact a line. Nothing that names the machine. */
export function describeMachine(folder: string): string[] {
  const type = statfsSync(folder).type;
  const { devDependencies } = manifest;
  return [
    `${processor()}, ${Math.round(totalmem() / 2 ** 30)} GiB; ${platform()} ${release()}, ${arch()}; ${FILE_SYSTEMS[type] ?? `file system ${type}`}`,
    `Node ${process.versions.node}, SQLite ${sqliteVersion()} (better-sqlite3 ${manifest.dependencies["better-sqlite3"]}), kysely ${manifest.devDependencies.kysely}, plainjob ${devDependencies.plainjob}, liteque ${devDependencies.liteque}, afk ${manifest.version}`,
  ];
}

/** By it one sees which of the answers are of one machine. */
export function processor(): string {
  const [cpu] = cpus();
  return `${cpu?.model.trim() ?? "unknown processor"}, ${cpus().length} cores`;
}

export function loadNow(): string {
  return `load average of the minute ${(loadavg()[0] ?? 0).toFixed(1)}`;
}

function sqliteVersion(): string {
  const database = new Database(":memory:");
  try {
    return String(database.prepare("select sqlite_version()").pluck().get());
  } finally {
    database.close();
  }
}
