import type { ChannelConfig } from "../../src/alerts/channels/channel.ts";
import type { ChannelType } from "../../src/alerts/channels/registry.ts";
import type { AlertPayload } from "../../src/alerts/events.ts";

export function samplePayload(fields: Partial<AlertPayload> = {}): AlertPayload {
  return {
    version: 1,
    event: "cap_hit",
    agent: "morning-digest",
    severity: "warn",
    ts: "2026-11-21T10:00:00.000Z",
    title: "The day's cap is reached",
    message: "No model call was made.",
    key: "cap_hit/day/2026-11-21",
    window: "day",
    period: "2026-11-21",
    pct: 100,
    capUsd: 1,
    spentUsd: 0.99,
    ...fields,
  };
}

export function sampleChannel(
  type: ChannelType,
  url: string,
  fields: Partial<ChannelConfig> = {},
): ChannelConfig {
  const settings = type === "telegram" ? { chatId: "-100123" } : null;
  return { type, name: type, url, on: null, template: null, settings, ...fields };
}
