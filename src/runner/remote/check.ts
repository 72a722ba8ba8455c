import * as v from "valibot";
import type { Config } from "../../config/config.ts";
import { type RemoteConfig, remotesOf } from "../../config/remote.ts";
import type { Clock } from "../../lib/clock.ts";
import { createRedactor } from "../../lib/redact.ts";
import { bad, type Examination, type Found, ok, type WithConfig } from "../../ops/doctor/check.ts";
import { readWorker } from "../../ops/worker.ts";
import { readOnce } from "./ntfy.ts";
import { createCall } from "./telegram.ts";
import { RemoteFailed } from "./transport.ts";

const ANSWER_MS_MAX = 10_000;

/** What `afk doctor` asks of the phone's services, over the network: that each can be read, and by nobody else. */
export function phoneChecks(config: Config): Examination<WithConfig>[] {
  const redact = createRedactor(config.secrets);
  return remotesOf(config).map((remote) => [
    "alerts",
    `phone by ${remote.channel.name}`,
    async ({ config: { paths }, clock }: WithConfig) => {
      const isRead = readWorker(paths.remoteLock).state !== "none";
      try {
        return await checkRemote(remote, clock, isRead);
      } catch (error) {
        if (!(error instanceof RemoteFailed)) throw error;
        return bad(redact(error.message), "mend that, then: afk doctor; docs/phone.md has each case");
      }
    },
    "network",
  ]);
}

async function checkRemote(remote: RemoteConfig, clock: Clock, isRead: boolean): Promise<Found> {
  const signal = new AbortController().signal;
  const reading = isRead ? "is read by this agent" : "can be read; nobody does now";
  if (remote.type === "ntfy") {
    await readOnce(remote, clock, { signal, timeoutMs: ANSWER_MS_MAX });
    return ok(`the reply topic ${reading}`);
  }
  const call = createCall(remote, clock);
  const limits = { signal, timeoutMs: ANSWER_MS_MAX };
  const { username } = v.parse(ME, (await call("getMe", {}, limits)).result);
  const webhook = v.parse(WEBHOOK, (await call("getWebhookInfo", {}, limits)).result);
  if (webhook.url !== "")
    return bad(
      `a webhook is set for @${username}, so its messages go elsewhere`,
      "open https://api.telegram.org/bot<token>/deleteWebhook in a browser",
    );
  // It confirms nothing. Beside this agent's own poll it would only end that.
  if (!isRead) await call("getUpdates", { timeout: 0, limit: 1 }, limits);
  return ok(`@${username} ${reading}`);
}

const ME = v.object({ username: v.string() });
const WEBHOOK = v.object({ url: v.string() });
