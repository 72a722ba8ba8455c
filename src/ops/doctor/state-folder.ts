import { accessSync, constants, statSync } from "node:fs";
import { dirname } from "node:path";
import { messageOf } from "../../lib/errors.ts";
import { isReachable } from "../../store/sqlite/reachable.ts";
import { bad, type Examination, type Finding, ok, type WithConfig, warn } from "./check.ts";

const OTHERS_WRITE = 0o002;
const OTHERS = 0o077;

/** The folders of the state: writable by this user, and by nobody who does not own them. What is missing a tick makes. */
export const stateFolder: Examination<WithConfig> = {
  group: "state",
  name: "state",
  look: async ({ config: { paths }, host }) => {
    if (!(await isReachable(paths.out)))
      return [bad("state", `${paths.out} does not answer`, "mend or unmount the disk that it is on")];
    try {
      for (const dir of [paths.state, paths.out, paths.logs]) {
        if (statSync(nearest(dir)).isDirectory()) accessSync(nearest(dir), constants.W_OK);
        else throw new Error(`${nearest(dir)} is no folder`);
      }
    } catch (error) {
      return [bad("state", messageOf(error), `make ${paths.state} writable for this user`)];
    }
    if (nearest(paths.state) !== paths.state)
      return [ok("state", `${paths.state} is not there yet; the first tick makes it`)];
    return [judgeOwner(paths.state, host.userId)];
  },
};

/** The folder itself, or the nearest one above it that there is. */
export function nearest(dir: string): string {
  const isThere = statSync(dir, { throwIfNoEntry: false }) !== undefined;
  return isThere || dir === dirname(dir) ? dir : nearest(dirname(dir));
}

function judgeOwner(dir: string, userId: number | null): Finding {
  const { uid, mode } = statSync(dir);
  if ((mode & OTHERS_WRITE) !== 0)
    return bad("state", `anybody on this machine can write to ${dir}`, `chmod go= ${dir}`);
  // root may write anywhere, and an administrator looks at what belongs to the worker.
  if (userId !== null && userId !== 0 && uid !== userId)
    return bad(
      "state",
      `${dir} belongs to user ${uid}, and this is user ${userId}`,
      `sudo chown -R ${userId} ${dir}`,
    );
  // What is this user's own is closed when the state is opened.
  if ((mode & OTHERS) !== 0)
    return warn("state", `others on this machine can look into ${dir}`, `chmod go= ${dir}`);
  return ok("state", `${dir} can be written`);
}
