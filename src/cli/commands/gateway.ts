import { isLocal, parseListen } from "../../config/gateway-schema.ts";
import { defineCommand, UsageError } from "../command.ts";
import { withAgent } from "../open.ts";
import { stopOnSignals, workerOutput } from "../worker.ts";

export default defineCommand({
  args: {
    listen: {
      type: "string",
      valueHint: "ADDRESS:PORT",
      description: "Listens there instead of at gateway.listen (127.0.0.1:4236 where neither is given)",
    },
    "behind-proxy": {
      type: "boolean",
      description:
        "What is in front of it speaks TLS or keeps other machines out, as a container's port does that is published on 127.0.0.1",
    },
  },
  async run({ args }) {
    return await withAgent(
      args,
      async (agent) => {
        const listen = args.listen === undefined ? undefined : asked(args.listen);
        const { tls, isBehindProxy } = agent.config.gateway;
        if (listen !== undefined && !isLocal(listen.host) && tls === null && !isBehindProxy)
          if (!args["behind-proxy"]) throw new UsageError(inTheOpen(listen.host));
        stopOnSignals(agent);
        return await agent.serveGateway(listen);
      },
      { ownsProcess: true, ...workerOutput(false) },
    );
  },
});

function asked(text: string) {
  const listen = parseListen(text);
  if (listen !== null) return listen;
  throw new UsageError(
    `--listen ${text}: write an IP address and a port, for example 127.0.0.1:4236 or [::1]:4236.`,
  );
}

function inTheOpen(host: string): string {
  return `--listen ${host} can be reached from other machines, which would see keys and texts in the open: add --behind-proxy where something in front of it speaks TLS or keeps them out, or write gateway.tls.`;
}
