import { createServer } from "node:http";
import { listenAndTell } from "./listen.ts";

/* A provider that answers at once, so that what is left is the way there and back. A request with "stream":true gets as many
   chunks as its "seed" says, and with "user":"held" only the first one. */

const FACTS = { id: "chatcmpl-1", created: 1, model: "bench" };
const USAGE = { prompt_tokens: 7, completion_tokens: 4, total_tokens: 11 };
const MESSAGE = { role: "assistant", content: "All is well." };
const REPLY = JSON.stringify({
  ...FACTS,
  object: "chat.completion",
  choices: [{ index: 0, message: MESSAGE, finish_reason: "stop" }],
  usage: USAGE,
});

const event = (fields: object) =>
  `data: ${JSON.stringify({ ...FACTS, object: "chat.completion.chunk", ...fields })}\n\n`;
const choice = (delta: object, finish_reason: string | null) => ({
  choices: [{ index: 0, delta, finish_reason }],
  usage: null,
});
const WORD = Buffer.from(event(choice({ content: "word " }, null)));
const END = `${event(choice({}, "stop"))}${event({ choices: [], usage: USAGE })}data: [DONE]\n\n`;

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  const parts: Buffer[] = [];
  request.on("data", (part: Buffer) => parts.push(part));
  request.on("end", () => {
    const text = Buffer.concat(parts).toString("latin1");
    if (!text.includes('"stream":true')) {
      const headers = { "content-type": "application/json", "content-length": REPLY.length };
      response.writeHead(200, headers).end(REPLY);
      return;
    }
    response.writeHead(200, { "content-type": "text/event-stream" });
    let left = Number(/"seed":(\d+)/.exec(text)?.[1] ?? 1);
    const more = () => {
      while (left > 0) {
        left -= 1;
        if (!response.write(WORD)) return void response.once("drain", more);
      }
      if (!text.includes('"user":"held"')) response.end(END);
    };
    more();
  });
});
listenAndTell(server);
