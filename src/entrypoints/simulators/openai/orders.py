"""The body of POST /responses, checked and taken apart."""

from dataclasses import dataclass

from entrypoints.simulators.answers import Json
from entrypoints.simulators.openai.errors import refused
from entrypoints.simulators.openai.items import as_items, last_user_text

_MODEL_WITHOUT_NAME = "gpt-5.6"
_EXCLUSIVE = "'previous_response_id' and 'conversation' are mutually exclusive: use one of them."


@dataclass(frozen=True, kw_only=True)
class Order:
    """What the caller wants answered."""

    body: Json
    items: list[Json]
    text: str
    conversation_id: str | None

    @property
    def model(self) -> str:
        """The model asked for; a prompt object may leave it out."""
        return str(self.body.get("model") or _MODEL_WITHOUT_NAME)

    @property
    def instructions(self) -> str:
        """The instructions, if they are a text."""
        instructions = self.body.get("instructions")
        return instructions if isinstance(instructions, str) else ""

    @property
    def format(self) -> Json:
        """The format of the text, `{"type": "text"}` by default."""
        wanted: Json = (self.body.get("text") or {}).get("format") or {"type": "text"}
        return wanted

    @property
    def kind(self) -> str:
        """What rules of the script call it: `structured` for JSON output, else `text`."""
        return "text" if self.format.get("type") == "text" else "structured"

    @property
    def background(self) -> bool:
        """Answer before the work is done."""
        return bool(self.body.get("background"))

    @property
    def streamed(self) -> bool:
        """Answer in events."""
        return bool(self.body.get("stream"))

    @property
    def stored(self) -> bool:
        """Keep the response for GET."""
        return self.body.get("store") is not False


def read_order(body: Json, *, prompts_shut_down: bool) -> Order:
    """The order in the body. Raises FaultError (400) as the original would."""
    _demand_model_or_prompt(body, prompts_shut_down=prompts_shut_down)
    conversation_id = _conversation_id(body.get("conversation"))
    if conversation_id and body.get("previous_response_id"):
        raise refused(_EXCLUSIVE, param="previous_response_id", code="mutually_exclusive_parameters")
    if body.get("background") and body.get("store") is False:
        raise refused("Background mode requires 'store' to be true.", param="background")
    items = as_items(body.get("input") or [], "input")
    return Order(body=body, items=items, text=last_user_text(items), conversation_id=conversation_id)


def _demand_model_or_prompt(body: Json, *, prompts_shut_down: bool) -> None:
    prompt = body.get("prompt")
    if prompt is None:
        if not body.get("model"):
            raise refused("Missing required parameter: 'model'.", param="model", code="missing_required_parameter")
        return
    if not isinstance(prompt, dict) or not isinstance(prompt.get("id"), str):
        raise refused("Missing required parameter: 'prompt.id'.", param="prompt")
    if not isinstance(prompt.get("version"), str | None):
        raise refused("Invalid type for 'prompt.version': expected a string.", param="prompt.version")
    if prompts_shut_down:
        raise refused("Reusable prompts have been shut down.", param="prompt", code="unsupported_parameter")


def _conversation_id(value: object) -> str | None:
    if isinstance(value, dict):
        value = value.get("id")
    if value is None or isinstance(value, str):
        return value
    raise refused("Invalid type for 'conversation'.", param="conversation", code="invalid_type")
