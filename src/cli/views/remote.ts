import { formatRelative } from "../../lib/duration-text.ts";
import type { RemoteStatus } from "../../ops/remote-status.ts";
import { oneLine, paint } from "../output.ts";

/** Who can be stopped from which channel; no row where afk.yaml names no phone. */
export function remoteRows(remotes: readonly RemoteStatus[], nowMs: number): (readonly [string, string])[] {
  return remotes.map((remote, index) => [index === 0 ? "phone" : "", remoteText(remote, nowMs)] as const);
}

function remoteText(remote: RemoteStatus, nowMs: number): string {
  const { channel, type, isRead, connectedAt, heardAt, failingSince, error } = remote;
  const ago = (at: string) => formatRelative(Date.parse(at), nowMs);
  const name = channel === type ? channel : `${channel} (${type})`;
  const heard = heardAt === null ? "never heard" : `last heard ${ago(heardAt)}`;
  if (failingSince !== null)
    return `${name}: ${paint("yellow", `does not answer, ${ago(failingSince)}`)}: ${oneLine(error ?? "")}, ${heard}`;
  if (connectedAt !== null) return `${name}: read, connected ${ago(connectedAt)}, ${heard}`;
  return `${name}: ${isRead ? "being connected" : "not read now; the next tick looks, afk remote goes on"}, ${heard}`;
}
