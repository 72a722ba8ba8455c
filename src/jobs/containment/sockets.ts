import { existsSync, readFileSync } from "node:fs";
import { AfkError } from "../../lib/errors.ts";
import { isWithin, NOTHING_HIDDEN, type View } from "./enclosure.ts";

/** Where services of the machine and of users have theirs: Docker's, D-Bus's, systemd's. */
const SOCKET_FOLDERS = ["/run", "/var/run", "/tmp/.X11-unix"];
/** On NixOS the programs themselves are found there. */
const PROGRAMS = ["/run/current-system", "/run/wrappers"];
/** Of those elsewhere: more would make a command line that is too long. */
const SOCKETS_MAX = 1_000;

/**
 * Hides sockets that have a path, since who has a network of his own can still connect to these: the folders where they usually
 * are, and those elsewhere that are there now. `cwd` stays where it is.
 * @throws AfkError where there are more than can be hidden: one of them would be a way out.
 */
export function withoutSockets(view: View | null, cwd: string): View {
  const { hidden, kept, ...rest } = view ?? NOTHING_HIDDEN;
  const isAmong = (path: string) => SOCKET_FOLDERS.some((folder) => isWithin(path, folder));
  const elsewhere = boundSockets().filter((path) => !isAmong(path) && existsSync(path));
  if (elsewhere.length > SOCKETS_MAX)
    throw new AfkError(
      "too_many_sockets",
      `${elsewhere.length} sockets of this machine are outside of ${SOCKET_FOLDERS.join(", ")}, more than can be hidden from a program; end what has them`,
      { retry: "later" },
    );
  const isHiddenAnyhow = hidden.some((path) => isWithin(cwd, path));
  return {
    ...rest,
    hidden: [...hidden, ...SOCKET_FOLDERS, ...elsewhere],
    kept: [...kept, ...PROGRAMS, ...(isAmong(cwd) && !isHiddenAnyhow ? [cwd] : [])],
  };
}

/** The paths of sockets that processes of this machine have, as far as this one may know. */
function boundSockets(): string[] {
  const lines = readFileSync("/proc/net/unix", "utf8").split("\n");
  const paths = lines.flatMap((line) => / (\/.*)$/.exec(line)?.[1] ?? []);
  return [...new Set(paths)];
}
