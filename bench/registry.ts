import { budgetSize } from "./benchmarks/budget-size.ts";
import { digest } from "./benchmarks/digest.ts";
import { fleet } from "./benchmarks/fleet.ts";
import { fleetKill } from "./benchmarks/fleet-kill.ts";
import { gateway } from "./benchmarks/gateway.ts";
import { groupCommit } from "./benchmarks/group-commit.ts";
import { growth } from "./benchmarks/growth.ts";
import { guardedCall } from "./benchmarks/guarded-call.ts";
import { idleLoop } from "./benchmarks/idle-loop.ts";
import { idleTick } from "./benchmarks/idle-tick.ts";
import { image } from "./benchmarks/image.ts";
import { killToGone } from "./benchmarks/kill-to-gone.ts";
import { queue } from "./benchmarks/queue.ts";
import { resume } from "./benchmarks/resume.ts";
import { statusSize } from "./benchmarks/status-size.ts";
import type { Benchmark } from "./harness/benchmark.ts";

/** In the order in which they are run and told. */
export const BENCHMARKS: readonly Benchmark[] = [
  guardedCall,
  groupCommit,
  fleet,
  fleetKill,
  gateway,
  queue,
  budgetSize,
  idleTick,
  statusSize,
  idleLoop,
  killToGone,
  resume,
  digest,
  image,
  growth,
];
