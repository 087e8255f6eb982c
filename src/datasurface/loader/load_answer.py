"""What a loader elsewhere answers with: how eco.py's process ended, as one JSON document. Both ends of it.

`answer` is what eco.py's process wrote, base64, because it may be anything. Whoever reads this trusts the frame no more
than what is in it.
"""

import base64
import binascii
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from datasurface.loader.limits import Limits
from datasurface.loader.model_process import Outcome

VERSION: Final = 1
#: Everything in the document but the answer.
FRAME_BYTES: Final = 4 * 1024
#: A multiple of three, so that blocks of base64 can be put together.
_BLOCK_BYTES: Final = 3 * 64 * 1024
_LIMITS: Final = ("wall_seconds", "cpu_seconds", "answer_bytes")


class InvalidAnswer(Exception):
    """What came is no such document."""


def largest_bytes(limits: Limits) -> int:
    """The most that a document can take whose answer is within the limits, or one byte above."""
    return (limits.answer_bytes + 1) * 4 // 3 + FRAME_BYTES


def encoded(outcome: Outcome) -> Iterator[bytes]:
    """The document in blocks, so that a large answer is not held twice."""
    head = {
        "v": VERSION,
        "status": outcome.status,
        "is_late": outcome.is_late,
        "printed_bytes": outcome.printed_bytes,
        "limits": {name: getattr(outcome.limits, name) for name in _LIMITS},
        "answer": "",
    }
    yield json.dumps(head).removesuffix('"}').encode()
    view = memoryview(outcome.answer)
    for start in range(0, len(view), _BLOCK_BYTES):
        yield base64.b64encode(view[start : start + _BLOCK_BYTES])
    yield b'"}'


def decoded(document: bytes, limits: Limits) -> Outcome:
    """The outcome that a document tells of. `limits` are ours; the loader's own replace what it enforced."""
    try:
        told = json.loads(document)
        if not isinstance(told, dict) or told.get("v") != VERSION:
            raise InvalidAnswer("it is no answer of a loader of this version")
        return Outcome(
            answer=base64.b64decode(_of(told, "answer", str), validate=True),
            status=_of(told, "status", int),
            is_late=_of(told, "is_late", bool),
            printed_bytes=_of(told, "printed_bytes", int),
            limits=_limits(_of(told, "limits", dict), limits),
        )
    except (ValueError, RecursionError, binascii.Error) as error:
        raise InvalidAnswer("it is no JSON document of a loader") from error


def _limits(told: dict[str, Any], ours: Limits) -> Limits:
    return replace(
        ours,
        wall_seconds=float(_of(told, "wall_seconds", (int, float))),
        cpu_seconds=_of(told, "cpu_seconds", int),
        answer_bytes=_of(told, "answer_bytes", int),
    )


def _of(told: dict[str, Any], name: str, kind: type | tuple[type, ...]) -> Any:
    value = told.get(name)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise InvalidAnswer(f'its "{name}" is missing or of another kind')
    return value
