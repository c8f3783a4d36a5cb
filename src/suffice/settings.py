"""The base of every settings model: frozen, and a misspelt key is an error."""

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """Settings of one part; the fields' defaults and descriptions are what the manual is made from."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())
