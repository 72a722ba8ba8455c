import { alert } from "./drills/alert.ts";
import { breaker } from "./drills/breaker.ts";
import { cap } from "./drills/cap.ts";
import { crash } from "./drills/crash.ts";
import { deadLetter } from "./drills/dead-letter.ts";
import { fallback } from "./drills/fallback.ts";
import { hourly } from "./drills/hourly.ts";
import { sourceDown } from "./drills/source-down.ts";
import { stopFile } from "./drills/stop-file.ts";
import { stopProcess } from "./drills/stop-process.ts";
import { wedge } from "./drills/wedge.ts";
import type { Drill } from "./harness.ts";

/** Every drill there is, in the order in which they are run: the rails of money, the kills, then the rest. */
export const DRILLS: readonly Drill[] = [
  cap,
  hourly,
  breaker,
  stopFile,
  stopProcess,
  wedge,
  crash,
  alert,
  deadLetter,
  fallback,
  sourceDown,
];
