/** How a server is asked. */
export interface Load {
  /** Of the chat completions. */
  url: string;
  headers: Record<string, string>;
  /** Requests under way at the same time. */
  clients: number;
  bodyBytes: number;
  /** Of a streamed reply; null asks for a whole one. */
  chunks: number | null;
  /** The streams stay open. */
  isHeld: boolean;
  warmUpSeconds: number;
  seconds: number;
  /** Ends it before the seconds are over; null is no limit. */
  requestsMax: number | null;
}

/** What came of it; times in microseconds, of whole requests but for the first byte's. */
export interface LoadResult {
  perSecond: number;
  p50Us: number;
  p99Us: number;
  /** The median up to the first byte of the body. */
  firstUs: number;
  /** Requests that were answered with anything but a 200. */
  failed: number;
}
