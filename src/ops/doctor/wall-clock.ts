import { readHostDate } from "../../egress/host-date.ts";
import { formatDuration } from "../../lib/duration-text.ts";
import { MINUTE_MS } from "../../lib/durations.ts";
import { bad, type Examination, type Finding, ok, skipped, type WithConfig } from "./check.ts";

const NAME = "wall clock";
const TOLERANCE_MS = MINUTE_MS;
const TRIES_MAX = 3;
const TIMEOUT_MS = 2_000;

/** The wall clock against the Date that hosts state which afk talks to anyway (RFC 9110, section 6.6.1). */
export const wallClock: Examination<WithConfig> = {
  group: "host",
  name: NAME,
  network: true,
  look: async ({ config, clock }) => {
    const origins = originsOf(config);
    if (origins.length === 0)
      return [skipped(NAME, "afk.yaml names no host that could be asked for the time")];
    const nameOf = (origin: string) =>
      isSecretHost(config, origin) ? "a host of alerts or pings" : new URL(origin).host;
    for (const origin of origins.slice(0, TRIES_MAX)) {
      const beganMs = clock.nowMs();
      const date = await readHostDate(origin, AbortSignal.timeout(TIMEOUT_MS));
      if (date !== null) return [judge(nameOf(origin), date - (beganMs + clock.nowMs()) / 2)];
    }
    const hosts = [...new Set(origins.slice(0, TRIES_MAX).map(nameOf))];
    return [skipped(NAME, `${hosts.join(", ")} did not say what time it is`)];
  },
};

/** Hosts elsewhere before those on this machine, whose clock is ours. */
export function originsOf(config: WithConfig["config"]): string[] {
  const { heartbeat, alerts, models, egress } = config;
  const providers = ["openai", "anthropic"] as const;
  const used = providers.filter((name) => models.chain.some((reference) => reference.startsWith(`${name}/`)));
  const addresses = [
    heartbeat.pingUrl,
    ...alerts.map((channel) => channel.url),
    ...used.map((name) => models.providers[name].baseUrl),
    ...egress.allow.filter((host) => !host.startsWith("*")).map((host) => `https://${host}`),
  ];
  const origins = addresses.flatMap((address) => {
    const url = address !== null && URL.canParse(address) ? new URL(address) : null;
    return url !== null && /^https?:$/.test(url.protocol) ? [`${url.origin}/`] : [];
  });
  const isHere = (origin: string) => /^(?:localhost|127\..*|\[::1\])$/.test(new URL(origin).hostname);
  return [...new Set(origins)].sort((a, b) => Number(isHere(a)) - Number(isHere(b)));
}

/** Where alerts and pings go is nobody's business, and may be a secret by itself. */
function isSecretHost({ heartbeat, alerts }: WithConfig["config"], origin: string): boolean {
  const addresses = [heartbeat.pingUrl, ...alerts.map((channel) => channel.url)];
  return addresses.some((address) => address !== null && new URL(address).host === new URL(origin).host);
}

function judge(host: string, aheadMs: number): Finding {
  if (Math.abs(aheadMs) <= TOLERANCE_MS) return ok(NAME, `agrees with ${host}`);
  const found = `this machine is ${formatDuration(Math.abs(aheadMs))} ${aheadMs > 0 ? "behind" : "ahead of"} ${host}`;
  return bad(NAME, found, "sudo timedatectl set-ntp true, then afk resume");
}
