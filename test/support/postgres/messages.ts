/** What is sent before a connection speaks in typed messages, by its code: the answer is one byte, or none. */
const REQUESTS_FOR_ENCRYPTION = new Set([80_877_103, 80_877_104]);

export interface Message {
  /** Of one character; empty for what stands before the typed messages. */
  type: string;
  body: Buffer;
  /** As it was sent. */
  whole: Buffer;
}

/** Cuts a stream of PostgreSQL's protocol 3 into its messages, whatever chunks it comes in. */
export class MessageReader {
  #rest: Buffer = Buffer.alloc(0);
  #isTyped: boolean;

  /** A server's side is typed from the first byte, but for the answers to requests for encryption. */
  constructor(side: "client" | "server") {
    this.#isTyped = side === "server";
  }

  add(chunk: Buffer): Message[] {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const messages: Message[] = [];
    for (let message = this.#next(); message !== undefined; message = this.#next()) messages.push(message);
    return messages;
  }

  #next(): Message | undefined {
    const header = this.#isTyped ? 1 : 0;
    if (this.#rest.length < header + 4) return undefined;
    const end = header + this.#rest.readInt32BE(header);
    if (this.#rest.length < end) return undefined;
    const whole = this.#rest.subarray(0, end);
    const message = { type: whole.toString("latin1", 0, header), body: whole.subarray(header + 4), whole };
    this.#rest = this.#rest.subarray(end);
    if (message.type === "" && !isRequestForEncryption(message)) this.#isTyped = true;
    return message;
  }
}

export function isRequestForEncryption({ type, body }: Message): boolean {
  return type === "" && body.length === 4 && REQUESTS_FOR_ENCRYPTION.has(body.readInt32BE());
}

/** The texts at the start of a message's body, each of which a zero ends. */
export function texts(body: Buffer, count: number): string[] {
  const found: string[] = [];
  for (let from = 0; found.length < count; ) {
    const end = body.indexOf(0, from);
    if (end === -1) throw new Error(`a message of ${body.length} bytes without its ${count} texts`);
    found.push(body.toString("utf8", from, end));
    from = end + 1;
  }
  return found;
}
