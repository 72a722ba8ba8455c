import { freeBytes } from "../../store/sqlite/ballast.ts";
import { bad, type Examination, type Finding, ok, type WithConfig } from "./check.ts";
import { nearest } from "./state-folder.ts";

const FREE_MIN_BYTES = 200 * 1024 * 1024;

export const disk: Examination<WithConfig> = {
  group: "state",
  name: "disk",
  look: ({ config: { paths } }) => [judgeFree(freeBytes(nearest(paths.state)), paths.state)],
};

export function judgeFree(bytes: number, dir: string): Finding {
  const mib = Math.floor(bytes / 1024 / 1024);
  const free = mib >= 10_240 ? `${Math.floor(mib / 1024)} GiB free` : `${mib} MiB free`;
  if (bytes >= FREE_MIN_BYTES) return ok("disk", free);
  return bad("disk", `${free} for ${dir}`, "make room: a full disk halts the agent");
}
