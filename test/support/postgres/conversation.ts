import { isRequestForEncryption, type Message, MessageReader, texts } from "./messages.ts";

const NO = "N".charCodeAt(0);
const YES = "S".charCodeAt(0);
const NOTHING: Buffer = Buffer.alloc(0);

/** Says whether the answer to this statement is to be dropped: by what it then wants to be called with the deed done. */
export type Take = (sql: string) => (() => void) | undefined;

/**
 * One connection, as a proxy reads it: which statements the client sends, and when the server has answered them all. The
 * server ends its answer to each simple query, to each Sync and to the start of a connection with ReadyForQuery, in order.
 */
export class Conversation {
  readonly #take: Take;
  readonly #cut: () => void;
  readonly #client = new MessageReader("client");
  readonly #server = new MessageReader("server");
  readonly #prepared = new Map<string, string>();
  readonly #portals = new Map<string, string>();
  /** Answers that the client has asked for, and had. */
  #asked = 0;
  #answered = 0;
  #awaitsEncryption = false;
  #isEncrypted = false;
  #fault: { answer: number; happened: () => void } | undefined;

  constructor(take: Take, cut: () => void) {
    this.#take = take;
    this.#cut = cut;
  }

  /** Gives what goes to the server: all of it. */
  fromClient(chunk: Buffer): Buffer {
    if (!this.#isEncrypted) for (const message of this.#client.add(chunk)) this.#read(message);
    return chunk;
  }

  /** Gives what goes to the client: nothing from the answer on that is dropped. */
  fromServer(chunk: Buffer): Buffer {
    let rest = chunk;
    let first = NOTHING;
    if (this.#awaitsEncryption && (chunk[0] === NO || chunk[0] === YES)) {
      this.#isEncrypted = chunk[0] === YES;
      this.#awaitsEncryption = false;
      [first, rest] = [chunk.subarray(0, 1), chunk.subarray(1)];
    }
    if (this.#isEncrypted) return chunk;
    return Buffer.concat([first, ...this.#server.add(rest).flatMap((message) => this.#answer(message))]);
  }

  #answer({ type, whole }: Message): Buffer[] {
    const isDropped = this.#fault !== undefined && this.#answered >= this.#fault.answer - 1;
    if (type === "Z") this.#answered += 1;
    if (!isDropped) return [whole];
    if (this.#fault?.answer === this.#answered) {
      this.#cut();
      this.#fault.happened();
    }
    return [];
  }

  #read(message: Message): void {
    const { type, body } = message;
    if (isRequestForEncryption(message)) this.#awaitsEncryption = true;
    else if (type === "" || type === "S" || type === "F") this.#asked += 1;
    else if (type === "Q") {
      this.#asked += 1;
      this.#look(texts(body, 1)[0], this.#asked);
    } else if (type === "P") {
      const [name = "", sql = ""] = texts(body, 2);
      this.#prepared.set(name, sql);
    } else if (type === "B") {
      const [portal = "", name = ""] = texts(body, 2);
      this.#portals.set(portal, this.#prepared.get(name) ?? "");
    } else if (type === "E") {
      const [portal = ""] = texts(body, 1);
      // Its answer is complete with that to the Sync that follows.
      this.#look(this.#portals.get(portal), this.#asked + 1);
    }
  }

  #look(sql = "", answer: number): void {
    const happened = this.#take(sql.trim());
    if (happened !== undefined) this.#fault = { answer, happened };
  }
}
