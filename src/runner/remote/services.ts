import type { RemoteConfig } from "../../config/remote.ts";
import type { Clock } from "../../lib/clock.ts";
import { assertNever } from "../../lib/errors.ts";
import { createNtfy } from "./ntfy.ts";
import { createTelegram } from "./telegram.ts";
import type { Transport } from "./transport.ts";

/** The service that carries a configured channel's messages. */
export function transportOf(remote: RemoteConfig, clock: Clock): Transport {
  switch (remote.type) {
    case "telegram":
      return createTelegram(remote, clock);
    case "ntfy":
      return createNtfy(remote, clock);
    default:
      return assertNever(remote);
  }
}
