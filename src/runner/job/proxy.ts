import { proxyRules } from "../../egress/proxy-rules.ts";
import { openProxy } from "../../http/proxy.ts";
import type { RunProxy } from "../../jobs/job.ts";
import { newClientKey } from "../../lib/client-key.ts";
import type { Log } from "../../lib/log.ts";
import { once } from "../../lib/once.ts";
import type { Uses } from "../dependencies.ts";

const REFUSED_MAX = 100;

/**
 * Opens the filtering proxy of one run. `allow` is the job's own list; null for that of egress.
 * @throws AfkError (`proxy_unavailable`) when it cannot listen.
 */
export async function openRunProxy(
  { config }: Uses<"config">,
  { allow, hasGateway, log }: { allow: readonly string[] | null; hasGateway: boolean; log: Log },
): Promise<RunProxy> {
  const { egress, models, gateway, dashboard } = config;
  const key = newClientKey();
  const refused = new Set<string>();
  const providers = Object.values(models.providers).map(({ baseUrl }) => new URL(baseUrl).hostname);
  const rules = proxyRules({
    allow: allow ?? egress.allow,
    allowPrivate: egress.allowPrivate,
    // A key that lies about somewhere would lead past the caps.
    providers: hasGateway ? providers : [],
    ownPorts: [dashboard.port, ...(gateway.listen === null ? [] : [gateway.listen.port])],
    listName: allow === null ? "egress.allow" : "allow of the job",
  });
  const proxy = await openProxy({
    rules,
    key,
    onRefused(host, why) {
      if (refused.has(host) || refused.size >= REFUSED_MAX) return;
      refused.add(host);
      log.event("warn", "network_refused", { host, reason: why });
    },
  });
  const close = once(async () => {
    const traffic = proxy.traffic();
    if (traffic.requests > 0) log.event("info", "network_used", { ...traffic });
    await proxy.close();
  });
  return {
    url: `http://run:${key}@127.0.0.1:${proxy.port}`,
    service: { port: proxy.port, accept: proxy.accept },
    refused: () => [...refused],
    [Symbol.asyncDispose]: close,
  };
}
