import * as v from "valibot";
import { flag, integer, section, text } from "../../config/fields.ts";
import { fromHome } from "../../config/locations.ts";
import { allowEntry, networkEntry, stateEntry } from "../programs/network-settings.ts";
import { programEntries } from "../programs/settings.ts";

const WRITE_CWD = "write the path of a folder, for example ./scripts";
const { command, env, max_output_kb } = programEntries;

/** A `kind: exec` entry of afk.yaml without the keys that every job has. */
export const execSettings = v.pipe(
  section("Any command, killed with all that it started when it takes too long.", {
    command,
    cwd: v.optional(text("Folder that the command starts in.", WRITE_CWD, /^[^\0]+$/, 2000), "."),
    env,
    gateway: v.optional(
      flag("Whether the program finds models behind the gates in its environment (docs/gateway.md)."),
      false,
    ),
    network: networkEntry("open"),
    allow: allowEntry,
    state: stateEntry,
    max_output_kb,
    publish: v.optional(flag("Whether standard output becomes a file in out/."), false),
    units: v.optional(
      integer("What one run is worth, in units of output.", "how many units a run is worth", [0, 10_000]),
      1,
    ),
  }),
  v.transform(({ max_output_kb, publish, gateway, allow, state, ...entry }) => ({
    ...entry,
    cwd: fromHome(entry.cwd),
    hasGateway: gateway,
    allow: allow ?? null,
    isStateVisible: state === "visible",
    outputBytesMax: max_output_kb * 1024,
    isPublished: publish,
  })),
);

/** What such an entry comes to. */
export type ExecSettings = v.InferOutput<typeof execSettings>;
