"""Who can be asked, where, and by which keys their answers are known: one JSON file."""

from pathlib import Path
from typing import Any

from jwt import PyJWTError
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from citybrain.errors import CitybrainError
from citybrain.exchange.signing import Verifier
from citybrain.settings import Settings

DEVELOPMENT_FILE = "exchange.json"


class DirectoryInvalid(CitybrainError):
    """The directory of departments cannot be read."""

    code = "exchange-directory-invalid"


class Member(BaseModel):
    """A department, or the bank."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$")
    url: str = Field(pattern=r"^https?://[^\s]+[^/\s]$")
    public_keys: list[dict[str, Any]] = Field(min_length=1, description="JWKs (Ed25519) with `kid`")
    attempt_seconds: float = Field(4.0, gt=0, description="time one request has")

    @field_validator("public_keys")
    @classmethod
    def _usable(cls, keys: list[dict[str, Any]]) -> list[dict[str, Any]]:
        for key in keys:
            if not isinstance(key.get("kid"), str) or key.get("crv") != "Ed25519":
                raise ValueError("a key is no Ed25519 JWK with a `kid`")
        try:
            Verifier(keys)
        except PyJWTError as error:
            raise ValueError("a key cannot be used") from error
        return keys


class Directory(BaseModel):
    """Everybody who can be asked."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    client: str = Field("CN/GOV/410100/citybrain", description="who we are (X-Road-Client)")
    departments: list[Member] = Field(default_factory=list)
    bank: Member | None = None

    def department(self, code: str) -> Member | None:
        """The department of this code."""
        return next((each for each in self.departments if each.code == code), None)


def load_directory(settings: Settings) -> Directory:
    """The directory that the settings name; an empty one where there is none: then officers
    decide. Raises `DirectoryInvalid`."""
    path = settings.exchange_directory
    if path is None:
        path = settings.data_dir / DEVELOPMENT_FILE
        if settings.mode != "development" or not path.is_file():
            return Directory()
    return read_directory(path)


def read_directory(path: Path) -> Directory:
    """The directory in a file; raises `DirectoryInvalid`."""
    try:
        return Directory.model_validate_json(path.read_bytes())
    except OSError as error:
        raise DirectoryInvalid(f"{path} cannot be read") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise DirectoryInvalid(f"{path}: {place}: {first['msg']}") from error
