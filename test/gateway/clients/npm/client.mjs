// One client of npm, as its users call it: `node client.mjs NAME`. Each line of standard input asks for a turn,
// `{base, key, model, turn}`; each is answered by `{piece}` as soon as a stream shows a first piece of text, and by `{text}` or `{error}`.
import { createInterface } from "node:readline";

const PROMPT = "What is the temperature in Cologne?";
const TEMPERATURE = "Sunny, 21 degrees.";
const PARAMETERS = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const DESCRIPTION = "Tells the temperature of a city";
const FUNCTION = { name: "temperature", description: DESCRIPTION, parameters: PARAMETERS };
const user = { role: "user", content: PROMPT };

const CLIENTS = {
  async openai({ base, key, model, turn }, piece) {
    const { default: OpenAI } = await import("openai");
    const client = new OpenAI({ baseURL: `${base}/v1`, apiKey: key });
    const messages = [user];
    const tools = turn === "tools" ? { tools: [{ type: "function", function: FUNCTION }] } : {};
    if (turn === "plain") {
      const reply = await client.chat.completions.create({ model, messages });
      return reply.choices[0].message.content;
    }
    for (;;) {
      const stream = client.chat.completions.stream({ model, messages, ...tools });
      stream.on("content", piece);
      const { message } = (await stream.finalChatCompletion()).choices[0];
      if (!message.tool_calls?.length) return message.content;
      messages.push(message);
      for (const { id } of message.tool_calls)
        messages.push({ role: "tool", tool_call_id: id, content: TEMPERATURE });
    }
  },

  async "openai-responses"({ base, key, model, turn }, piece) {
    const { default: OpenAI } = await import("openai");
    const client = new OpenAI({ baseURL: `${base}/v1`, apiKey: key });
    const input = [user];
    const tools = turn === "tools" ? { tools: [{ type: "function", ...FUNCTION, strict: false }] } : {};
    if (turn === "plain") return (await client.responses.create({ model, input })).output_text;
    for (;;) {
      const stream = client.responses.stream({ model, input, ...tools });
      stream.on("response.output_text.delta", piece);
      const reply = await stream.finalResponse();
      const calls = reply.output.filter(({ type }) => type === "function_call");
      if (calls.length === 0) return reply.output_text;
      for (const { call_id, name, arguments: given } of calls)
        input.push(
          { type: "function_call", call_id, name, arguments: given },
          { type: "function_call_output", call_id, output: TEMPERATURE },
        );
    }
  },

  async anthropic({ base, key, model, turn }, piece) {
    const { default: Anthropic } = await import("@anthropic-ai/sdk");
    const client = new Anthropic({ baseURL: base, apiKey: key });
    const messages = [user];
    const asked = { model, messages, max_tokens: 300 };
    const text = ({ content }) => content.map((block) => block.text ?? "").join("");
    if (turn === "plain") return text(await client.messages.create(asked));
    const tool = { name: "temperature", description: DESCRIPTION, input_schema: PARAMETERS };
    for (;;) {
      const stream = client.messages.stream({ ...asked, ...(turn === "tools" ? { tools: [tool] } : {}) });
      stream.on("text", piece);
      const reply = await stream.finalMessage();
      if (reply.stop_reason !== "tool_use") return text(reply);
      const calls = reply.content.filter(({ type }) => type === "tool_use");
      const results = calls.map(({ id }) => ({ type: "tool_result", tool_use_id: id, content: TEMPERATURE }));
      messages.push({ role: "assistant", content: reply.content }, { role: "user", content: results });
    }
  },

  async ollama({ base, key, model, turn }, piece) {
    const { Ollama } = await import("ollama");
    // It sends a key to ollama.com only.
    const client = new Ollama({ host: `${base}/k/${key}` });
    const messages = [user];
    if (turn === "plain") return (await client.chat({ model, messages })).message.content;
    const tools = turn === "tools" ? { tools: [{ type: "function", function: FUNCTION }] } : {};
    for (;;) {
      const stream = await client.chat({ model, messages, ...tools, stream: true });
      const calls = [];
      let text = "";
      for await (const part of stream) {
        if (part.message.content !== "") piece();
        text += part.message.content;
        calls.push(...(part.message.tool_calls ?? []));
      }
      if (calls.length === 0) return text;
      messages.push({ role: "assistant", content: text, tool_calls: calls });
      messages.push({ role: "tool", tool_name: "temperature", content: TEMPERATURE });
    }
  },

  async "ai-openai"(asked, piece) {
    const { createOpenAI } = await import("@ai-sdk/openai");
    return withAiSdk(createOpenAI({ baseURL: `${asked.base}/v1`, apiKey: asked.key }), asked, piece);
  },

  async "ai-openai-compatible"(asked, piece) {
    const { createOpenAICompatible } = await import("@ai-sdk/openai-compatible");
    const options = { name: "gateway", baseURL: `${asked.base}/v1`, apiKey: asked.key };
    return withAiSdk(createOpenAICompatible(options), asked, piece);
  },

  async "ai-anthropic"(asked, piece) {
    const { createAnthropic } = await import("@ai-sdk/anthropic");
    return withAiSdk(createAnthropic({ baseURL: `${asked.base}/v1`, apiKey: asked.key }), asked, piece);
  },

  async "langchain-openai"(asked, piece) {
    const { ChatOpenAI } = await import("@langchain/openai");
    const { base, key, model } = asked;
    const options = { model, apiKey: key, configuration: { baseURL: `${base}/v1` } };
    return withLangChain(new ChatOpenAI(options), asked, piece);
  },

  async "langchain-anthropic"(asked, piece) {
    const { ChatAnthropic } = await import("@langchain/anthropic");
    const { base, key, model } = asked;
    const options = { model, apiKey: key, anthropicApiUrl: base, maxTokens: 300 };
    return withLangChain(new ChatAnthropic(options), asked, piece);
  },
};

async function withAiSdk(provider, { model, turn }, piece) {
  const { generateText, isStepCount, jsonSchema, streamText, tool } = await import("ai");
  const asked = { model: provider(model), prompt: PROMPT, maxOutputTokens: 300 };
  if (turn === "plain") return (await generateText(asked)).text;
  const execute = async () => TEMPERATURE;
  const temperature = tool({ description: DESCRIPTION, inputSchema: jsonSchema(PARAMETERS), execute });
  const tools = turn === "tools" ? { tools: { temperature }, stopWhen: isStepCount(5) } : {};
  const stream = streamText({ ...asked, ...tools, onError: () => {} });
  for await (const part of stream.fullStream) {
    if (part.type === "text-delta") piece();
    if (part.type === "error") throw part.error;
  }
  return await stream.text;
}

async function withLangChain(chat, { turn }, piece) {
  const { HumanMessage, ToolMessage } = await import("@langchain/core/messages");
  const { tool } = await import("@langchain/core/tools");
  const messages = [new HumanMessage(PROMPT)];
  if (turn === "plain") return (await chat.invoke(messages)).text;
  const temperature = tool(async () => TEMPERATURE, { ...FUNCTION, schema: PARAMETERS });
  const model = turn === "tools" ? chat.bindTools([temperature]) : chat;
  for (;;) {
    let reply;
    for await (const chunk of await model.stream(messages)) {
      if (chunk.text !== "") piece();
      reply = reply === undefined ? chunk : reply.concat(chunk);
    }
    if (!reply?.tool_calls?.length) return reply?.text ?? "";
    messages.push(reply);
    for (const { id } of reply.tool_calls)
      messages.push(new ToolMessage({ tool_call_id: id, content: TEMPERATURE }));
  }
}

const print = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const client = CLIENTS[process.argv[2]];
if (client === undefined) throw new Error(`there is no client ${process.argv[2]}`);
process.on("unhandledRejection", (error) => print({ error: `unhandled: ${error?.message ?? error}` }));
for await (const line of createInterface({ input: process.stdin })) {
  let isFirst = true;
  const piece = () => {
    if (isFirst) print({ piece: true });
    isFirst = false;
  };
  try {
    print({ text: await client(JSON.parse(line), piece) });
  } catch (error) {
    print({
      error: String(error?.message ?? error),
      name: error?.name,
      status: error?.status ?? error?.statusCode,
    });
  }
}
