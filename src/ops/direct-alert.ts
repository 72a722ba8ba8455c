import { resolve } from "node:path";
import type { ChannelConfig } from "../alerts/channels/channel.ts";
import { channelId } from "../alerts/channels/registry.ts";
import { ALERT_EVENTS } from "../alerts/events.ts";
import { type Notice, payloadOf } from "../alerts/outbox.ts";
import { isWanted } from "../alerts/recipients.ts";
import { sendAlert } from "../alerts/send.ts";
import type { Config } from "../config/config.ts";
import { processEnvironment } from "../config/environment.ts";
import { loadChannels } from "../config/load-channels.ts";
import { locate, NoAgent } from "../config/locations.ts";
import { type Clock, systemClock, toIso } from "../lib/clock.ts";
import type { Log } from "../lib/log.ts";
import { createRedactor } from "../lib/redact.ts";
import { createLog } from "../logs/writer.ts";
import { openLog } from "./alerting.ts";
import type { ConfigSources, KindsOf } from "./read-config.ts";

/** What one channel answered. `status` is null when no answer came, `error` when it took the message. */
interface Answer {
  type: string;
  /** The host alone: the rest of the address is a secret. */
  host: string;
  ok: boolean;
  status: number | null;
  error: string | null;
}

interface DirectAlert {
  notice: Notice;
  agent: string;
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
 * cannot be written down, and for tests of the channels. Never throws; nothing is tried again.
 */
async function sendDirectly(alert: DirectAlert): Promise<Answer[]> {
  const { notice, clock, log } = alert;
  const redact = createRedactor(alert.secrets);
  const payload = payloadOf(notice, { agent: alert.agent, redact, nowMs: clock.nowMs() });
  const signal = new AbortController().signal;
  return await Promise.all(
    alert.channels.map(async (config) => {
      const { result, status } = await sendAlert(payload, config, { signal, nowMs: clock.nowMs() });
      const error = result.ok ? null : redact(result.error);
      const told = { alert: notice.event, channel: channelId(config), key: payload.key };
      if (error === null) log.event("info", "alert_sent", told);
      else log.event("error", "alert_failed", { ...told, error, attempts: 1 });
      return { type: config.type, host: hostOf(config, redact), ok: result.ok, status, error };
    }),
  );
}

function hostOf(config: ChannelConfig, redact: (text: string) => string): string {
  return URL.canParse(config.url) ? redact(new URL(config.url).host) : "an address that is none";
}

/**
 * Sends a message through every channel, whatever events it wants, and gives what each answered. Needs no database,
 * so that alerting can be tried before anything else works.
 */
export async function testAlerts(config: Config, clock: Clock): Promise<Answer[]> {
  const log = openLog(config, clock);
  try {
    return await sendDirectly({
      notice: {
        event: "alert_test",
        title: "A test alert",
        message:
          "You asked for this with: afk alert test. Alerts of this agent arrive here. Nothing is wrong and nothing is to be done.",
        subject: "",
        occurrence: toIso(clock.nowMs()),
      },
      agent: config.agent,
      channels: config.alerts,
      secrets: config.secrets,
      clock,
      log,
    });
  } finally {
    log.close();
  }
}

/** Where a command that alerts finds configuration and state, also when one of them is broken. */
export interface AlertSources extends ConfigSources {
  kinds: KindsOf;
  clock?: Clock;
}

/** What is left to alert with when configuration or database cannot be used. */
interface LastResort {
  state: string;
  send(notice: Notice): Promise<Answer[]>;
  /** Takes secrets out of what an error repeats. */
  redact(text: string): string;
  log: Log & { close(): void };
}

/** Bound on the log files where no configuration says one. */
const LOG_BYTES_MAX = 200 * 1024 * 1024;

/**
 * A way to alert that needs nothing but the channels, read one by one from whatever afk.yaml there is and from
 * ALERT_WEBHOOK. The caller closes the log.
 * @throws NoAgent where there is no agent, and no channel either
 */
export function lastResort(sources: AlertSources, cause: unknown): LastResort {
  const environment = sources.environment ?? processEnvironment();
  const clock = sources.clock ?? systemClock;
  const cwd = process.cwd();
  const { agent, channels, secrets } = loadChannels({
    environment,
    configFile: sources.config,
    state: sources.state,
    cwd,
  });
  if (cause instanceof NoAgent && channels.length === 0) throw cause;
  const { state } = locate({ environment, configFile: sources.config, state: sources.state, cwd });
  const redact = createRedactor(secrets);
  const log = createLog({ dir: resolve(state, "logs"), clock, redact, maxBytes: LOG_BYTES_MAX });
  return {
    state,
    redact,
    log,
    send: (notice) =>
      sendDirectly({ notice, agent, channels: wanting(channels, notice.event), secrets, clock, log }),
  };
}
