import type { AlertPayload } from "./alerts/events.ts";
import type { JobKind } from "./jobs/job.ts";
import type { Status } from "./ops/status.ts";
import type { Completion, ModelRequest } from "./providers/types.ts";
import type { TickResult } from "./runner/tick.ts";

/** How a program opens an agent. */
export interface LibraryOptions {
  /** Path of afk.yaml; else AFK_CONFIG, else ./afk.yaml. */
  config?: string | undefined;
  /** The state directory; else AFK_STATE, else `state` beside afk.yaml. */
  state?: string | undefined;
  /** Called for every new alert, after it is on disk; an error in it is logged and changes nothing. */
  onAlert?: ((alert: AlertPayload) => void) | undefined;
  /** Kinds of jobs besides those of afk and of `kinds:`; one of the same name takes the place of afk's own. */
  kinds?: readonly JobKind[];
}

/** One deployment, opened: one afk.yaml, one state directory. */
export interface LibraryAgent {
  /** The guarded model: every call passes kill switch, breaker and cap. */
  model: {
    /** `model`: this one alone, which has a price, instead of the chain. `step`: its name in the ledger. */
    complete(
      request: ModelRequest,
      options?: { signal?: AbortSignal; model?: string | undefined; step?: string },
    ): Promise<Completion>;
  };
  /**
   * Guards any function that costs money. `estimateUsd` is the most it can cost; `call` makes one request and says
   * what it cost. A CallFailed thrown by it says whether the failure was free; any other error stays charged.
   */
  guard<T>(
    name: string,
    estimateUsd: number,
    call: (signal: AbortSignal) => Promise<{ value: T; costUsd: number }>,
  ): Promise<T>;
  /**
   * Adds a job of afk.yaml by its name. The same key twice is once. Throws AfkError `job_paused` for one that is paused, unless
   * it is forced: then this run is claimed all the same.
   */
  enqueue(
    name: string,
    options?: { payload?: unknown; key?: string; force?: boolean },
  ): Promise<{ key: string; added: boolean; isPaused?: boolean }>;
  /** One bounded pass. `now` runs a job whether due or not, and whether paused or not. Throws StateLocked while another process is at work. */
  tick(options?: { now?: string | undefined }): Promise<TickResult>;
  /** What `afk status --json` prints. */
  status(): Promise<Status>;
  /** Closes the database and the log; to be called once, with nothing in flight. */
  close(): Promise<void>;
}
