"""What a key must be allowed to do, for each operation: told as the scopes of its security requirement."""

from __future__ import annotations

from domain.users import Scope

ADMINISTRATOR = "administrator"
"""Only the administrator's key will do; no user's key has such a scope."""

_OF_ONE = {
    ("post", "/users"): ADMINISTRATOR,
    ("get", "/users"): ADMINISTRATOR,
    ("get", "/alerts"): ADMINISTRATOR,
    ("delete", "/users/{user_id}"): Scope.ADMIN,
    ("post", "/users/{user_id}/api_keys"): Scope.ADMIN,
    ("get", "/users/{user_id}/api_keys"): Scope.ADMIN,
    ("delete", "/users/{user_id}/api_keys/{api_key_id}"): Scope.ADMIN,
    ("delete", "/users/{user_id}/customers/{customer_id}"): Scope.ADMIN,
    ("post", "/users/{user_id}/credits/add"): Scope.ADMIN,
    ("get", "/users/{user_id}/phone_numbers/{phone_number_id}/webchat"): Scope.WRITE,  # it shows a secret
}


def scope_of(method: str, path: str) -> str:
    """The least scope that is enough."""
    return str(_OF_ONE.get((method, path), Scope.READ if method == "get" else Scope.WRITE))
