import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");

/** Collects all of this process's garbage now, so that what is left in memory is in use. */
export const collectGarbage: () => void = runInNewContext("gc");
