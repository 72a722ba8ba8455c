import { Agent, createServer, request as send } from "node:http";
import { listenAndTell } from "./listen.ts";

/** The least that a relay does: every request goes on as it is over a kept connection, and its reply comes back as it is. */
const upstream = new URL(process.argv[2] ?? "");
const agent = new Agent({ keepAlive: true, maxSockets: 2_000, maxFreeSockets: 256 });

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  const { method, url: path, headers } = request;
  const to = { agent, host: upstream.hostname, port: upstream.port, method, path, headers };
  const sent = send(to, (reply) => {
    response.writeHead(reply.statusCode ?? 502, reply.headers);
    reply.pipe(response);
  });
  sent.on("error", () => response.destroy());
  response.on("close", () => sent.destroy());
  request.pipe(sent);
});
listenAndTell(server);
