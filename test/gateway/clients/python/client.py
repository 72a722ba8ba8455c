"""One client of PyPI, as its users call it: `python client.py NAME`.

Each line of standard input asks for a turn, `{base, key, model, turn}`; each is answered by `{piece}` as soon as a stream
shows a first piece of text, and by `{text}` or `{error}`.
"""

import json
import sys

PROMPT = "What is the temperature in Cologne?"
TEMPERATURE = "Sunny, 21 degrees."
PARAMETERS = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
}
DESCRIPTION = "Tells the temperature of a city"
FUNCTION = {"name": "temperature", "description": DESCRIPTION, "parameters": PARAMETERS}
USER = {"role": "user", "content": PROMPT}


def openai(asked, piece):
    from openai import OpenAI

    client = OpenAI(base_url=asked["base"] + "/v1", api_key=asked["key"])
    messages = [USER]
    if asked["turn"] == "plain":
        reply = client.chat.completions.create(model=asked["model"], messages=messages)
        return reply.choices[0].message.content
    tools = {}
    if asked["turn"] == "tools":
        tools = {"tools": [{"type": "function", "function": FUNCTION}]}
    while True:
        stream = client.chat.completions.create(
            model=asked["model"], messages=messages, stream=True, **tools
        )
        text, calls = "", {}
        for chunk in stream:
            # As many programs have it: a chunk without choices ends them.
            delta = chunk.choices[0].delta
            if delta.content:
                piece()
                text += delta.content
            for call in delta.tool_calls or []:
                known = calls.setdefault(
                    call.index, {"id": call.id, "name": call.function.name, "arguments": ""}
                )
                known["arguments"] += call.function.arguments or ""
        if not calls:
            return text
        said = [
            {
                "id": call["id"],
                "type": "function",
                "function": {"name": call["name"], "arguments": call["arguments"]},
            }
            for call in calls.values()
        ]
        messages.append({"role": "assistant", "content": text, "tool_calls": said})
        for call in calls.values():
            messages.append({"role": "tool", "tool_call_id": call["id"], "content": TEMPERATURE})


def openai_responses(asked, piece):
    from openai import OpenAI

    client = OpenAI(base_url=asked["base"] + "/v1", api_key=asked["key"])
    given = [USER]
    if asked["turn"] == "plain":
        return client.responses.create(model=asked["model"], input=given).output_text
    tools = {}
    if asked["turn"] == "tools":
        tools = {"tools": [{"type": "function", **FUNCTION, "strict": False}]}
    while True:
        with client.responses.stream(model=asked["model"], input=given, **tools) as stream:
            for event in stream:
                if event.type == "response.output_text.delta":
                    piece()
            reply = stream.get_final_response()
        calls = [item for item in reply.output if item.type == "function_call"]
        if not calls:
            return reply.output_text
        for call in calls:
            ids = {"call_id": call.call_id}
            given.append(
                {"type": "function_call", **ids, "name": call.name, "arguments": call.arguments}
            )
            given.append({"type": "function_call_output", **ids, "output": TEMPERATURE})


def anthropic(asked, piece):
    from anthropic import Anthropic

    client = Anthropic(base_url=asked["base"], api_key=asked["key"])
    messages = [USER]
    request = {"model": asked["model"], "messages": messages, "max_tokens": 300}
    if asked["turn"] == "plain":
        return client.messages.create(**request).content[0].text
    if asked["turn"] == "tools":
        tool = {"name": "temperature", "description": DESCRIPTION, "input_schema": PARAMETERS}
        request["tools"] = [tool]
    while True:
        with client.messages.stream(**request) as stream:
            for _ in stream.text_stream:
                piece()
            reply = stream.get_final_message()
        if reply.stop_reason != "tool_use":
            return "".join(block.text for block in reply.content if block.type == "text")
        results = [
            {"type": "tool_result", "tool_use_id": block.id, "content": TEMPERATURE}
            for block in reply.content
            if block.type == "tool_use"
        ]
        messages.append({"role": "assistant", "content": reply.content})
        messages.append({"role": "user", "content": results})


def ollama(asked, piece):
    from ollama import Client

    # Its OLLAMA_API_KEY is this header.
    headers = {"authorization": "Bearer " + asked["key"]}
    client = Client(host=asked["base"], headers=headers)
    messages = [USER]
    if asked["turn"] == "plain":
        return client.chat(model=asked["model"], messages=messages).message.content
    tools = {}
    if asked["turn"] == "tools":
        tools = {"tools": [{"type": "function", "function": FUNCTION}]}
    while True:
        text, calls = "", []
        for part in client.chat(model=asked["model"], messages=messages, stream=True, **tools):
            if part.message.content:
                piece()
                text += part.message.content
            calls += part.message.tool_calls or []
        if not calls:
            return text
        messages.append({"role": "assistant", "content": text, "tool_calls": calls})
        messages.append({"role": "tool", "tool_name": "temperature", "content": TEMPERATURE})


def langchain_openai(asked, piece):
    from langchain_openai import ChatOpenAI

    chat = ChatOpenAI(
        model=asked["model"], base_url=asked["base"] + "/v1", api_key=asked["key"]
    )
    return with_langchain(chat, asked, piece)


def langchain_anthropic(asked, piece):
    from langchain_anthropic import ChatAnthropic

    chat = ChatAnthropic(
        model=asked["model"], base_url=asked["base"], api_key=asked["key"], max_tokens=300
    )
    return with_langchain(chat, asked, piece)


def with_langchain(chat, asked, piece):
    from langchain_core.messages import HumanMessage, ToolMessage
    from langchain_core.tools import tool

    @tool
    def temperature(city: str) -> str:
        """Tells the temperature of a city"""
        return TEMPERATURE

    messages = [HumanMessage(PROMPT)]
    if asked["turn"] == "plain":
        return chat.invoke(messages).text
    model = chat.bind_tools([temperature]) if asked["turn"] == "tools" else chat
    while True:
        reply = None
        for chunk in model.stream(messages):
            if chunk.text:
                piece()
            reply = chunk if reply is None else reply + chunk
        if reply is None or not reply.tool_calls:
            return "" if reply is None else reply.text
        messages.append(reply)
        for call in reply.tool_calls:
            messages.append(ToolMessage(tool_call_id=call["id"], content=TEMPERATURE))


CLIENTS = {
    "openai": openai,
    "openai-responses": openai_responses,
    "anthropic": anthropic,
    "ollama": ollama,
    "langchain-openai": langchain_openai,
    "langchain-anthropic": langchain_anthropic,
}


def show(line):
    print(json.dumps(line), flush=True)


def answer(client, asked):
    seen = []

    def piece():
        if not seen:
            show({"piece": True})
        seen.append(True)

    try:
        show({"text": str(client(asked, piece))})
    except Exception as error:
        status = getattr(error, "status_code", None)
        show({"error": str(error), "name": type(error).__name__, "status": status})


for line in sys.stdin:
    answer(CLIENTS[sys.argv[1]], json.loads(line))
