import { resolve } from "node:path";
import type { ChannelConfig } from "../alerts/channels/channel.ts";
import { channelId } from "../alerts/channels/registry.ts";
import { ALERT_EVENTS } from "../alerts/events.ts";
import { type Notice, payloadOf } from "../alerts/outbox.ts";
import { isWanted } from "../alerts/recipients.ts";
import { sendAlert } from "../alerts/send.ts";
import type { Config } from "../config/config.ts";
import { processEnvironment } from "../config/environment.ts";
import { allChannels } from "../config/load.ts";
import { loadChannels } from "../config/load-channels.ts";
import { locate, NoAgent } from "../config/locations.ts";
import { fileObstacle } from "../delivery/files.ts";
import { type Clock, systemClock, toIso } from "../lib/clock.ts";
import { closing } from "../lib/closing.ts";
import type { Log } from "../lib/log.ts";
import { createRedactor } from "../lib/redact.ts";
import { createLog } from "../logs/writer.ts";
import { type Alerting, openLog, withAlerting } from "./alerting.ts";
import { type ConfigSources, type KindsOf, readConfig } from "./read-config.ts";

interface DirectAlert {
  notice: Notice;
  agent: string;
  timezone: string;
  channels: ChannelConfig[];
  secrets: string[];
  clock: Clock;
  log: Log;
}

/** The channels that want an event; where none does, all of them: the worst news must reach somebody. */
function wanting(channels: ChannelConfig[], event: Notice["event"]): ChannelConfig[] {
  const wanted = channels.filter((channel) => isWanted(channel, { event, severity: ALERT_EVENTS[event] }));
  return wanted.length === 0 ? channels : wanted;
}

/**
 * Sends a notice at once, past the outbox: one try a channel, side by side, each bound to a few seconds. For what
 * cannot be written down, and for tests of the channels. Never throws; nothing is tried again. Of an address it gives the
 * host alone, since the rest is a secret; `status` is null when no answer came, `error` when the channel took the message.
 */
async function sendDirectly({ notice, agent, timezone, channels, secrets, clock, log }: DirectAlert) {
  const redact = createRedactor(secrets);
  const nowMs = clock.nowMs();
  const payload = payloadOf(notice, { agent, redact, timezone, nowMs });
  const signal = new AbortController().signal;
  return await Promise.all(
    channels.map(async (config) => {
      const { result, status } = await sendAlert(payload, config, { signal, nowMs });
      const error = result.ok ? null : redact(result.error);
      const told = { alert: notice.event, channel: channelId(config), key: payload.key };
      if (error === null) log.event("info", "alert_sent", told);
      else log.event("error", "alert_failed", { ...told, error, attempts: 1 });
      const host = URL.canParse(config.url) ? redact(new URL(config.url).host) : "an address that is none";
      return { name: config.name, type: config.type, host, ok: result.ok, status, error };
    }),
  );
}

/**
 * Sends a message through every channel, whatever events it wants, and through those that receivers of results have for
 * themselves; of files it says whether they could be written. Gives what each answered. Needs no database, so
 * that alerting can be tried before anything else works.
 */
export async function testAlerts(config: Config, clock: Clock) {
  const { agent, timezone, secrets } = config;
  // A receiver may stand in the entries of several jobs.
  const channels = [...new Map(allChannels(config).map((each) => [channelId(each), each])).values()];
  const notice = {
    event: "alert_test" as const,
    title: "A test alert",
    message:
      "You asked for this with: afk alert test. Alerts of this agent arrive here. Nothing is wrong and nothing is to be done.",
    subject: "",
    occurrence: toIso(clock.nowMs()),
  };
  const answers = await closing(openLog(config, clock), (log) =>
    sendDirectly({ notice, agent, timezone, channels, secrets, clock, log }),
  );
  const { length } = config.alerts;
  return {
    alerts: answers.slice(0, length),
    results: [...answers.slice(length), ...(await testFiles(config))],
  };
}

async function testFiles({ jobs, paths }: Config) {
  const targets = jobs.flatMap(({ deliver }) => deliver.map(({ target }) => target));
  const files = targets.filter((target) => target.type === "file");
  return await Promise.all(
    files.map(async (target) => {
      const error = await fileObstacle(target, paths);
      return { name: "file", type: "file", host: target.path, ok: error === null, status: null, error };
    }),
  );
}

/** Where a command that alerts finds configuration and state, also when one of them is broken. */
export interface AlertSources extends ConfigSources {
  kinds: KindsOf;
  clock?: Clock;
}

/** What is left to alert with when configuration or database cannot be used. */
export interface LastResort {
  state: string;
  /** Gives how many channels took the notice. */
  send(notice: Notice): Promise<{ sent: number; failed: number }>;
  /** Takes secrets out of what an error repeats. */
  redact(text: string): string;
  log: Log;
}

/** Bound on the log files where no configuration says one. */
const LOG_BYTES_MAX = 200 * 1024 * 1024;

/**
 * Hands the alerting to `work`; what that throws, or keeps it from beginning, goes to `orElse` with what needs nothing but
 * the channels, read one by one from whatever afk.yaml there is and from ALERT_WEBHOOK.
 * @throws NoAgent where there is no agent, and no channel either
 */
export async function alertAnyway<T>(
  sources: AlertSources,
  work: (alerting: Alerting) => Promise<T>,
  orElse: (resort: LastResort, error: unknown) => Promise<T>,
): Promise<T> {
  const clock = sources.clock ?? systemClock;
  try {
    return await withAlerting(readConfig(sources, sources.kinds), clock, work);
  } catch (error) {
    const environment = sources.environment ?? processEnvironment();
    const where = { environment, configFile: sources.config, state: sources.state, cwd: process.cwd() };
    const { agent, timezone, channels, secrets } = loadChannels(where);
    if (error instanceof NoAgent && channels.length === 0) throw error;
    const { state } = locate(where);
    const redact = createRedactor(secrets);
    const opened = createLog({ dir: resolve(state, "logs"), clock, redact, maxBytes: LOG_BYTES_MAX });
    return await closing(opened, (log) => {
      const send = async (notice: Notice) => {
        const wanted = wanting(channels, notice.event);
        const answers = await sendDirectly({
          notice,
          agent,
          timezone,
          channels: wanted,
          secrets,
          clock,
          log,
        });
        const sent = answers.filter(({ ok }) => ok).length;
        return { sent, failed: answers.length - sent };
      };
      return orElse({ state, redact, log, send }, error);
    });
  }
}
