"""The walls that a sandbox can have, from the strongest to none, and what each does not protect from."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Tier:
    """`name` is what settings and messages call it; `gaps` are sentences for people."""

    name: str
    label: str
    gaps: tuple[str, ...]


_ALWAYS = (
    "Weaknesses of the kernel or the processor: the kernel is shared.",
    "What a function sends out over the network that it was given.",
)
_ONE_USER = "A hole in the namespaces would lead to the service's own user: all sandboxes are one user of this machine."
_NO_CGROUP = "Memory beyond the limit for up to a quarter of a second, and a busy processor: there is no cgroup."

CGROUP = Tier(name="bubblewrap+cgroup", label="Namespaces and cgroup", gaps=(*_ALWAYS, _ONE_USER))
BUBBLEWRAP = Tier(name="bubblewrap", label="Namespaces, without cgroup", gaps=(*_ALWAYS, _ONE_USER, _NO_CGROUP))
LANDLOCK = Tier(
    name="landlock",
    label="A user for each run, without namespaces",
    gaps=(
        *_ALWAYS,
        _NO_CGROUP,
        "The network of this machine, its loopback included, if functions have network (sandbox.network).",
        "Seeing that a file or a process exists, and its size; reading what is in it is refused.",
        "A full disk: temporary files are counted four times a second and lie on the service's disk.",
    ),
)
NONE = Tier(name="none", label="No sandbox", gaps=("Everything: functions run as the user of the service.",))

ALL = (CGROUP, BUBBLEWRAP, LANDLOCK, NONE)
"""The strongest first."""


def by_name(name: str) -> Tier:
    """The tier of that name; raises KeyError."""
    return {tier.name: tier for tier in ALL}[name]


def is_at_least(tier: Tier, minimum: str) -> bool:
    """Whether `tier` is as strong as the one named `minimum`."""
    return ALL.index(tier) <= ALL.index(by_name(minimum))
