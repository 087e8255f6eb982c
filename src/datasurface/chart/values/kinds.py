"""What single values may look like: names, quantities, addresses, each with words for whoever gets one wrong.

Helm shows the pattern that a value broke and nothing else. Therefore each pattern carries its explanation as the name
of a group, `(?<a_quantity_like_500m_or_2Gi>…)`: every engine that reads the schema takes it, and people can read it.
Kinds of one value stand here; what groups values is in the other modules of this folder.
"""

import re
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema
from pydantic.alias_generators import to_camel

MAX_PORT: Final = 65_535


class Values(BaseModel):
    """A group of values: frozen, nothing besides what is listed, spelled in values.yaml as Helm's users spell."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


def _says(explanation: str, pattern: str, *, or_empty: bool = False) -> str:
    """A whole-value pattern whose group is named by what the value has to be."""
    return f"^(?<{explanation}>{pattern}){'?' if or_empty else ''}$"


def needed(explanation: str) -> str:
    """The pattern of a value that may be empty only as long as another one does not need it."""
    return _says(explanation, ".+")


_SUBDOMAIN: Final = "[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?"
_QUANTITY: Final = r"[0-9]+(\.[0-9]+)?"
_CPU: Final = rf"{_QUANTITY}m?"
_BYTES: Final = rf"{_QUANTITY}(Ki|Mi|Gi|Ti|k|M|G|T)"
_HOST: Final = r"[A-Za-z0-9]([-A-Za-z0-9._]{0,251}[A-Za-z0-9])?|\[?[0-9A-Fa-f]*(:[0-9A-Fa-f.]*){2,7}\]?"
_CIDR: Final = r"[0-9]{1,3}(\.[0-9]{1,3}){3}/[0-9]{1,2}|[0-9A-Fa-f:]+/[0-9]{1,3}"
_IMAGE_PART: Final = "[a-z0-9]+([._-]+[a-z0-9]+)*"
_MODEL_NAME: Final = "[A-Za-z0-9_]([A-Za-z0-9_ -]{0,98}[A-Za-z0-9_])?"
_CRON_FIELD: Final = r"[-0-9A-Za-z*/,?#]+"

CPU_PATTERN: Final = _says("cores_like_2_or_250m", _CPU)


def _is_cpu(value: str | int | float) -> str | int | float:
    if not (re.match(f"^{_CPU}$", value) if isinstance(value, str) else value > 0):
        raise ValueError("expected cores like 2 or 250m")
    return value


#: At most 40 characters, so that the longest name of an object stays within 63.
ReleasePart = Annotated[
    str,
    Field(
        pattern=_says(
            "at_most_40_lower_case_letters_digits_and_hyphens", "[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?", or_empty=True
        )
    ),
]
SecretName = Annotated[str, Field(pattern=_says("the_name_of_an_object_of_Kubernetes", _SUBDOMAIN))]
OptionalSecretName = Annotated[
    str, Field(pattern=_says("the_name_of_an_existing_Secret_or_nothing", _SUBDOMAIN, or_empty=True))
]
OptionalObjectName = Annotated[
    str, Field(pattern=_says("the_name_of_an_object_of_Kubernetes_or_nothing", _SUBDOMAIN, or_empty=True))
]
Cpu = Annotated[
    str | int | float,
    AfterValidator(_is_cpu),
    WithJsonSchema({"type": ["string", "number"], "exclusiveMinimum": 0, "pattern": CPU_PATTERN}),
]
Bytes = Annotated[str, Field(pattern=_says("bytes_with_a_unit_like_512Mi_or_5Gi", _BYTES))]
Host = Annotated[str, Field(pattern=_says("a_host_name_or_address_without_scheme_or_port", _HOST))]
OptionalHost = Annotated[
    str, Field(pattern=_says("a_host_name_or_address_without_scheme_or_port_or_nothing", _HOST, or_empty=True))
]
Port = Annotated[int, Field(ge=1, le=MAX_PORT)]
Cidr = Annotated[str, Field(pattern=_says("a_network_with_its_length_such_as_10_0_0_1_slash_32", _CIDR))]
Cron = Annotated[
    str, Field(pattern=_says("five_fields_of_cron_like_30_3_star_star_star", rf"{_CRON_FIELD}( {_CRON_FIELD}){{4}}"))
]
Database = Annotated[
    str, Field(pattern=_says("a_name_of_lower_case_letters_digits_and_underscores", "[a-z_][a-z0-9_]{0,62}"))
]
RolePrefix = Annotated[
    str,
    Field(pattern=_says("at_most_16_lower_case_letters_digits_and_underscores", "[a-z][a-z0-9_]{0,15}", or_empty=True)),
]
Repository = Annotated[
    str,
    Field(
        pattern=_says("an_image_without_tag_or_digest", rf"({_IMAGE_PART}(:[0-9]+)?/)?{_IMAGE_PART}(/{_IMAGE_PART})*")
    ),
]
OptionalTag = Annotated[
    str, Field(pattern=_says("a_tag_of_an_image_or_nothing", "[A-Za-z0-9_][A-Za-z0-9._-]{0,127}", or_empty=True))
]
OptionalDigest = Annotated[
    str, Field(pattern=_says("sha256_colon_and_64_hex_digits_or_nothing", "sha256:[0-9a-f]{64}", or_empty=True))
]
#: No address holds a login: that belongs into a Secret.
OptionalGitUrl = Annotated[
    str,
    Field(pattern=_says("an_http_or_https_address_without_a_login_or_nothing", r"https?://[^@\s]+", or_empty=True)),
]
Branch = Annotated[str, Field(pattern=_says("a_branch_of_git", r"[A-Za-z0-9_][A-Za-z0-9._/-]{0,199}"))]
Login = Annotated[str, Field(pattern=_says("a_login_name", r"[A-Za-z0-9_][A-Za-z0-9._@-]{0,62}"))]
OptionalLogin = Annotated[
    str, Field(pattern=_says("a_login_name_or_nothing", r"[A-Za-z0-9_][A-Za-z0-9._@-]{0,62}", or_empty=True))
]
#: Names of the platform's own roles, which no reader may have; no pattern of a schema can say "not".
OWN_ROLES: Final = "^(ds_|pg_|customer_|airflow$|postgres$)|(_reader|_tables|_job)$"
#: A role of PostgreSQL that also makes the name of a Secret.
ReaderLogin = Annotated[
    str, Field(pattern=_says("a_login_of_lower_case_letters_digits_and_underscores", "[a-z][a-z0-9_]{0,39}"))
]
#: A name of the model: what its authors may write, see docs/lint.md.
ModelName = Annotated[str, Field(pattern=_says("a_name_of_the_model", _MODEL_NAME))]
#: `YellowLive/Store1`, or `YellowLive/Store1#customers` where each dataset is captured by itself.
StreamName = Annotated[
    str,
    Field(
        pattern=_says(
            "a_platform_and_a_stream_like_YellowLive_slash_Store1", rf"{_MODEL_NAME}/{_MODEL_NAME}(#{_MODEL_NAME})?"
        )
    ),
]
PullPolicy = Literal["Always", "IfNotPresent", "Never"]
SslMode = Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]
#: A piece of a Kubernetes manifest, taken over as it is.
Manifest = dict[str, Any]
