import type { GatewayConfig, ModelsConfig } from "../config/config.ts";
import type { Rails } from "../rails/rails.ts";
import type { FindCaller } from "./caller.ts";

/** What a gateway is opened with. */
export interface GatewayOptions {
  rails: Rails;
  /** As it stands now; read for each request. */
  config: () => { gateway: GatewayConfig; models: ModelsConfig };
  /** Port 0 takes any that is free. */
  listen: { host: string; port: number };
  /** PEM texts; null speaks plain HTTP. */
  tls: { cert: string; key: string } | null;
  findCaller: FindCaller;
}

/** A gateway while it listens. */
export interface Gateway {
  /** `http://127.0.0.1:4236` */
  url: string;
  /** Calls under way, for whoever waits for them. */
  inFlight(): number;
  /** Takes no more requests, ends what is under way, and resolves when nothing of it is left. */
  close(): Promise<void>;
}

/**
 * Listens for clients and relays what passes the gates.
 * @throws AfkError (`gateway_unavailable`) when it cannot listen there.
 */
export async function openGateway(_options: GatewayOptions): Promise<Gateway> {
  throw new Error("not there yet");
}
