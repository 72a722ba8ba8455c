import type { ChannelConfig } from "../alerts/channels/channel.ts";
import { channelId } from "../alerts/channels/registry.ts";
import { ALERT_EVENTS, type AlertPayload } from "../alerts/events.ts";
import type { Notice } from "../alerts/outbox.ts";
import { trySending } from "../alerts/send.ts";
import { isWanted } from "../alerts/wanted.ts";
import { type Clock, toIso } from "../lib/clock.ts";
import type { Log } from "../lib/log.ts";
import { createRedactor } from "../lib/redact.ts";

/** What one channel answered. `status` is null when no answer came, `error` when it took the message. */
export interface Answer {
  type: string;
  /** The host alone: the rest of the address is a secret. */
  host: string;
  ok: boolean;
  status: number | null;
  error: string | null;
}

export interface DirectAlert {
  notice: Notice;
  agent: string;
  channels: ChannelConfig[];
  secrets: string[];
  clock: Clock;
  log: Log;
}

/** The channels that want an event; where none does, all of them: the worst news must reach somebody. */
export function wanting(channels: ChannelConfig[], event: Notice["event"]): ChannelConfig[] {
  const wanted = channels.filter((channel) => isWanted(channel, { event, severity: ALERT_EVENTS[event] }));
  return wanted.length === 0 ? channels : wanted;
}

/**
 * Sends a notice at once, past the outbox: one try a channel, side by side, each bound to a few seconds. For what
 * cannot be written down, and for tests of the channels. Never throws; nothing is tried again.
 */
export async function sendDirectly(alert: DirectAlert): Promise<Answer[]> {
  const { notice, clock, log } = alert;
  const redact = createRedactor(alert.secrets);
  const payload: AlertPayload = {
    version: 1,
    agent: alert.agent,
    severity: ALERT_EVENTS[notice.event],
    ts: toIso(clock.nowMs()),
    ...notice,
    title: redact(notice.title),
    message: redact(notice.message),
  };
  const signal = new AbortController().signal;
  return await Promise.all(
    alert.channels.map(async (config) => {
      const { result, status } = await trySending(payload, config, { signal, nowMs: clock.nowMs() });
      const error = result.ok ? null : redact(result.error);
      const told = { alert: notice.event, channel: channelId(config), key: notice.key };
      if (error === null) log.event("info", "alert_sent", told);
      else log.event("error", "alert_failed", { ...told, error, attempts: 1 });
      return { type: config.type, host: hostOf(config, redact), ok: result.ok, status, error };
    }),
  );
}

function hostOf(config: ChannelConfig, redact: (text: string) => string): string {
  return URL.canParse(config.url) ? redact(new URL(config.url).host) : "an address that is none";
}
