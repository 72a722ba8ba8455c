/** One page, as fetched or, after a 304, as kept. */
export interface Page {
  /** The address that answered, after redirects. */
  url: string;
  status: number;
  /** Lower-case media type without parameters; empty when the server named none. */
  contentType: string;
  /** Decoded (decompressed) bytes. */
  body: Uint8Array;
  /** True when the server said 304 and the body is the one kept from before. */
  fromCache: boolean;
}

export interface FetchOptions {
  signal?: AbortSignal;
  accept?: string;
  /** Extra request headers of the caller's own (an API version, say); never cookies or credentials. */
  headers?: Record<string, string>;
}

/** The only way content reaches a job: GET, allowlisted, bounded, polite. */
export interface Egress {
  /**
   * @throws EgressRefused (retry "never") when policy says no: host not allowed, private address, robots.txt.
   * @throws EgressFailed (retry "later", or after what the host asked for) when the host or network failed.
   */
  fetch(url: string, options?: FetchOptions): Promise<Page>;
}
