/** What a run had in place of the machine's network. */
export interface RunNetwork {
  /** Whether the kernel saw to it; else the program was told, and nothing kept it. */
  isEnforced: boolean;
  /** Hosts, with their ports, that it asked the proxy for and that were refused. */
  refused: string[];
}

const SHOWN_MAX = 2;

/** What the run's record says of it, to follow something else; empty where the program had the machine's network. */
export function networkWords(network: RunNetwork | undefined): string {
  if (network === undefined) return "";
  const { refused, isEnforced } = network;
  const more = refused.length > SHOWN_MAX ? ` and ${refused.length - SHOWN_MAX} more` : "";
  const hosts = refused.length > 0 ? `, refused: ${refused.slice(0, SHOWN_MAX).join(", ")}${more}` : "";
  return `${hosts}${isEnforced ? "" : ", network by agreement only"}`;
}
