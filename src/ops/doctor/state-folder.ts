import { accessSync, constants, statSync } from "node:fs";
import { messageOf } from "../../lib/errors.ts";
import { makeFolder } from "../../store/durable-file.ts";
import { bad, type Examination, type Finding, ok, type WithConfig } from "./check.ts";

const OTHERS_WRITE = 0o002;

/** The folders of the state: there, writable by this user, and by nobody who does not own them. */
export const stateFolder: Examination<WithConfig> = {
  group: "state",
  name: "state",
  look: ({ config: { paths }, host }) => {
    try {
      for (const dir of [paths.state, paths.out, paths.logs]) {
        makeFolder(dir);
        accessSync(dir, constants.W_OK);
      }
    } catch (error) {
      return [bad("state", messageOf(error), `make ${paths.state} writable for this user`)];
    }
    return [judgeOwner(paths.state, host.userId)];
  },
};

function judgeOwner(dir: string, userId: number | null): Finding {
  const { uid, mode } = statSync(dir);
  if ((mode & OTHERS_WRITE) !== 0)
    return bad("state", `anybody on this machine can write to ${dir}`, `chmod o-w ${dir}`);
  // root may write anywhere, and an administrator looks at what belongs to the worker.
  if (userId !== null && userId !== 0 && uid !== userId)
    return bad(
      "state",
      `${dir} belongs to user ${uid}, and this is user ${userId}`,
      `sudo chown -R ${userId} ${dir}`,
    );
  return ok("state", `${dir} can be written`);
}
