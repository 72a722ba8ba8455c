import manifest from "../package.json" with { type: "json" };
import type { Outbox } from "./alerts/outbox.ts";
import type { Config } from "./config/config.ts";
import { type Environment, processEnvironment } from "./config/environment.ts";
import { locate } from "./config/locations.ts";
import { createEgress } from "./egress/fetch.ts";
import { createOutgoing } from "./egress/send.ts";
import { allKinds } from "./jobs/kinds.ts";
import { type Clock, systemClock } from "./lib/clock.ts";
import { type Randomness, systemRandomness } from "./lib/ids.ts";
import type { Log } from "./lib/log.ts";
import { createNews } from "./lib/news.ts";
import { once } from "./lib/once.ts";
import type { LibraryAgent, LibraryOptions } from "./library-api.ts";
import { watchDatabase } from "./ops/database-events.ts";
import { checkHighWater } from "./ops/high-water.ts";
import { openState } from "./ops/own-state.ts";
import { readConfig, readLiveConfig } from "./ops/read-config.ts";
import { readStatus } from "./ops/status.ts";
import { type StopReport, stopAt } from "./ops/stop-agent.ts";
import { createChain } from "./providers/chain.ts";
import type { Rails } from "./rails/rails.ts";
import type { Dependencies, Progress } from "./runner/dependencies.ts";
import { createDrafts, type Drafts } from "./runner/drafts/drafts.ts";
import {
  DEFAULT_LISTEN,
  type Listen,
  type Serving,
  serveAlone,
  serveBeside,
} from "./runner/gateway/serve.ts";
import { holdState } from "./runner/hold-state.ts";
import { runLoop, runOnce } from "./runner/loop.ts";
import { guardFunction } from "./runner/one-function.ts";
import { chainOf } from "./runner/one-model.ts";
import { pauseByHand, unpauseByHand } from "./runner/pause-by-hand.ts";
import { enqueueByHand, jobNamed } from "./runner/phases/enqueue-due.ts";
import { createQuestions, type Questions } from "./runner/questions/questions.ts";
import { besidePhone, type PhoneSources, servePhone } from "./runner/remote/phone.ts";
import { createVerbs } from "./runner/remote/verbs.ts";
import { createLiveRails, createRenewal } from "./runner/renewal.ts";
import type { TickResult } from "./runner/tick.ts";
import type { WedgeLimits } from "./runner/wedge/steps.ts";
import type { openStoreAt } from "./store/open.ts";
import type { Store } from "./store/store.ts";

/** What a program of afk's own may give beside what the library takes; all has a default. */
export interface AgentOptions extends LibraryOptions {
  /** Called with the configuration that holds from now on, when afk.yaml was changed. */
  onConfig?: ((config: Config) => void) | undefined;
  onProgress?: ((progress: Progress) => void) | undefined;
  /** Gets each log line, as JSON, besides the daily file. */
  onLogLine?: ((line: string) => void) | undefined;
  clock?: Clock;
  randomness?: Randomness;
  environment?: Environment;
  /** A process that exists to tick or run: when it hangs, or does not obey the kill switch, it is killed. */
  ownsProcess?: boolean;
  /** How long to wait for another process that makes or migrates the state, in ms; a minute unless said. */
  patienceMs?: number;
  /** For tests, which cannot wait for the real ones. */
  wedgeLimits?: WedgeLimits;
  /** For tests too, which compare what the engines give. */
  openStore?: typeof openStoreAt;
}

/** What afk itself works with: the agent of the library, and what stands behind it. */
export interface Agent extends LibraryAgent {
  /**
   * The loop; resolves with the exit code once it is stopped. `onStart` is called each time that it has the state directory:
   * with `servesGateway`, and `gateway.listen` in afk.yaml, it goes on once a kill switch that has ended it is clear.
   */
  run(
    onTick?: (result: TickResult) => void,
    onStart?: () => void,
    how?: { servesGateway: boolean },
  ): Promise<number>;
  /** Serves clients, where afk.yaml says unless given; resolves with the exit code once the process was told to end. */
  serveGateway(listen?: Listen): Promise<number>;
  /** Reads what the phone sends, whatever the kill switch says; resolves with the exit code once the process was told to end. */
  serveRemote(): Promise<number>;
  /** Puts a job off. @throws AfkError `unknown_job` */
  pause(name: string, reason: string | null): Promise<{ wasPaused: boolean }>;
  /** Ends what puts it off, but for afk.yaml. @throws AfkError `unknown_job` */
  unpause(name: string): Promise<{ wasPaused: boolean; isByFile: boolean }>;
  /** Irreversible actions that jobs wrote down, and what a person decides about them. */
  drafts: Drafts;
  /** What jobs ask people, and what they answer at the keyboard. */
  questions: Questions;
  config: Config;
  version: string;
  rails: Rails;
  store: Store;
  outbox: Outbox;
  log: Log;
}

/** Of the package. */
export const VERSION: string = manifest.version;

/**
 * Opens an agent: reads its configuration, opens its state, and puts the rails around its models.
 * @throws ConfigError, OthersState (exit 78), NoAgent (66), StoreRefused.
 */
export async function openAgent(options: AgentOptions = {}): Promise<Agent> {
  const machineClock = options.clock ?? systemClock;
  const randomness = options.randomness ?? systemRandomness;
  const kinds = allKinds(options);
  const live = readLiveConfig(
    options,
    () => kinds,
    (before, now) => {
      noteChange(before, now);
      options.onConfig?.(now);
    },
  );
  const { patienceMs, openStore: open } = options;
  const store = await openState(live.current(), { clock: machineClock, patienceMs, open });
  const clock = store.clockOver(machineClock);
  const { onAlert, onLogLine } = options;
  const { rails, log, noteChange, sender } = createLiveRails(live, { store, clock, onAlert, onLogLine });
  const { outbox } = rails;
  await checkHighWater(store, outbox, live.current().paths.highWater, clock);
  await watchDatabase(store, { outbox, clock, log });
  const network = { db: store.db, pages: store.pages, agentVersion: VERSION, clock, log };
  let outgoing: ReturnType<typeof createOutgoing>;
  let egress: ReturnType<typeof createEgress>;
  const { latest, renew } = createRenewal(live, rails, (config) => {
    outgoing = createOutgoing({ ...network, config: config.egress });
    egress = createEgress({ ...network, config: config.egress });
    return { config, chain: createChain(rails, config.models), egress };
  });
  const answers = createNews();
  const dependencies: Dependencies = {
    ...latest(),
    renew,
    // What was answered by this process's own phone is no commit of somebody else.
    hasNews: () => answers.taken() || live.hasNews(),
    version: VERSION,
    store,
    outbox,
    sender,
    rails,
    kinds,
    clock,
    randomness,
    log,
    onProgress: options.onProgress,
  };
  const held = { isOurs: options.ownsProcess ?? false, limits: options.wedgeLimits };
  // What a program before this one did not get out, which may have ended in the middle of it and never ticks.
  const sendUnsent = once(sender.wake);
  const serving = (): Serving => ({
    ...dependencies,
    ...held,
    current: live.current,
  });
  const status = () => readStatus({ config: live.current(), version: VERSION, db: store.db, clock });
  const drafts = createDrafts({
    ...dependencies,
    // An approval from the phone comes long after this was opened, and uses the credentials that afk.yaml has then.
    get config() {
      return live.current();
    },
    get outgoing() {
      return outgoing;
    },
  });
  const verbs = createVerbs({ rails, drafts, status, current: live.current, wake: answers.tell });
  const phone = (): PhoneSources => ({ ...dependencies, ...verbs, current: live.current });
  return {
    get config() {
      return live.current();
    },
    version: VERSION,
    rails,
    store,
    outbox,
    log,
    model: {
      complete: async (request, { model, ...call } = {}) => {
        sendUnsent();
        const chain = model === undefined ? latest().chain : chainOf(latest(), model);
        return await chain.complete(request, { scope: { tick: null, job: null }, log, ...call });
      },
    },
    guard: async (name, estimateUsd, call) => {
      sendUnsent();
      return await guardFunction(rails, log, { name, estimateUsd, call });
    },
    enqueue: async (name, job = {}) => {
      const renewed = { ...dependencies, ...(live.hasNews() ? await renew() : latest()) };
      return enqueueByHand(renewed, jobNamed(renewed.config.jobs, name), job);
    },
    tick: ({ now } = {}) =>
      holdState(dependencies, held, async (guarded, runner) => {
        const renewed = { ...guarded, ...(await renew()) };
        if (now !== undefined) {
          const { isPaused } = await enqueueByHand(renewed, jobNamed(renewed.config.jobs, now), {
            force: true,
          });
          if (isPaused) log.event("warn", "paused_job_run", { name: now });
        }
        return await besidePhone(phone(), { looksFirst: true }, () =>
          runOnce(renewed, runner, { byHand: now !== undefined }),
        );
      }),
    run: async (onTick, onStart, { servesGateway } = { servesGateway: false }) => {
      const loop = () =>
        holdState(dependencies, held, async (guarded, runner) => {
          onStart?.();
          return await runLoop(guarded, runner, onTick);
        });
      const { listen } = live.current().gateway;
      return await besidePhone(phone(), { looksFirst: false }, async () =>
        servesGateway && listen !== null ? await serveBeside(serving(), listen, loop) : await loop(),
      );
    },
    serveRemote: () => servePhone(phone()),
    serveGateway: (listen) =>
      serveAlone(serving(), listen ?? live.current().gateway.listen ?? DEFAULT_LISTEN),
    pause: (name, reason) => pauseByHand({ ...dependencies, ...latest() }, name, reason),
    unpause: (name) => unpauseByHand({ ...dependencies, ...latest() }, name),
    questions: createQuestions(rails),
    drafts,
    status,
    async close() {
      await sender.close();
      await Promise.all([egress.close(), outgoing.close()]);
      await store.close();
      log.close();
    },
  };
}

/** @throws ConfigError (exit 78) */
export function readAgentConfig(options: AgentOptions): Config {
  return readConfig(options, () => allKinds(options));
}

/** Sets the kill switch, and waits for the worker to be gone. By the STOP file where configuration or database fail. */
export async function stopAgent(options: AgentOptions, reason: string): Promise<StopReport> {
  const { config: configFile, state, environment = processEnvironment() } = options;
  const found = locate({ environment, configFile, state, cwd: process.cwd() });
  // Whoever makes or migrates a database calls no model yet, and sees the file as soon as it is done.
  return await stopAt(found, environment, reason, () => openAgent({ ...options, patienceMs: 0 }));
}
