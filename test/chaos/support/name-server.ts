import { createSocket } from "node:dgram";
import { Resolver } from "node:dns/promises";
import { isIP } from "node:net";
import ipaddr from "ipaddr.js";
import { onTestFinished } from "vitest";
import type { Resolve } from "../../../src/egress/address.ts";

export interface NameServer {
  /** Asks this server, as a system's resolver would ask the one it is set up with. */
  resolve: Resolve;
  /** Addresses that the next look-ups give, the last one from then on. */
  answers: string[][];
  lookups(): number;
}

const [A, AAAA, IN] = [1, 28, 1];

/** A name server (RFC 1035) of the attacker's on 127.0.0.1: any name, no time to live, another answer each time. */
export async function nameServer(): Promise<NameServer> {
  const socket = createSocket("udp4");
  let lookups = 0;
  let current: string[] = [];
  socket.on("message", (query, peer) => {
    const type = query.readUInt16BE(endOfQuestion(query) - 4);
    const family = type === A ? 4 : 6;
    socket.send(
      answerTo(
        query,
        current.filter((ip) => isIP(ip) === family),
      ),
      peer.port,
      peer.address,
    );
  });
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  onTestFinished(() => void socket.close());
  const resolver = new Resolver({ timeout: 2_000, tries: 2 });
  resolver.setServers([`127.0.0.1:${socket.address().port}`]);
  const server: NameServer = {
    answers: [],
    lookups: () => lookups,
    async resolve(hostname) {
      lookups += 1;
      current = (server.answers.length > 1 ? server.answers.shift() : server.answers[0]) ?? [];
      const none = (): string[] => [];
      const [four, six] = await Promise.all([
        resolver.resolve4(hostname).catch(none),
        resolver.resolve6(hostname).catch(none),
      ]);
      return [
        ...four.map((address) => ({ address, family: 4 })),
        ...six.map((address) => ({ address, family: 6 })),
      ];
    },
  };
  return server;
}

/** The query's one question, and these addresses. */
function answerTo(query: Buffer, addresses: string[]): Buffer {
  const questionEnd = endOfQuestion(query);
  const header = Buffer.alloc(12);
  query.copy(header, 0, 0, 2);
  header.writeUInt16BE(0x8180, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(addresses.length, 6);
  const records = addresses.map((ip) => {
    const data = Buffer.from(ipaddr.parse(ip).toByteArray());
    const record = Buffer.alloc(12);
    record.writeUInt16BE(0xc00c, 0);
    record.writeUInt16BE(data.length === 4 ? A : AAAA, 2);
    record.writeUInt16BE(IN, 4);
    record.writeUInt16BE(data.length, 10);
    return Buffer.concat([record, data]);
  });
  return Buffer.concat([header, query.subarray(12, questionEnd), ...records]);
}

function endOfQuestion(query: Buffer): number {
  let at = 12;
  while (query[at] !== 0) at += query[at]! + 1;
  return at + 5;
}
