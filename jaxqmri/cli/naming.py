"""How a method's maps are called where several methods share a folder."""

from __future__ import annotations

from jaxqmri.cli.models import METHODS


def keeps_plain_name(method_name: str, suffix: str) -> bool:
    """Whether a method's map is called by its suffix alone, so that no two methods' maps collide.

    It is where no other method has such a map, or where this is the first method that is for it:
    ``T2map`` of t2, but ``desc-t2epg_T2map``. An amplitude, which no method is for, names its
    method.
    """
    having = [
        name
        for name, method in METHODS.items()
        if any(called.suffix == suffix for called in method.maps.values())
    ]
    meant = [n for n in having if METHODS[n].maps[METHODS[n].main].suffix == suffix]
    return having == [method_name] or meant[:1] == [method_name]


def desc_of(method_name: str) -> str:
    """How a method names itself in the name of a map."""
    return method_name.replace("-", "")


def descs_of(suffix: str) -> list[str]:
    """The methods that name themselves in maps of a suffix."""
    return [
        desc_of(name)
        for name, method in METHODS.items()
        if any(called.suffix == suffix for called in method.maps.values())
        and not keeps_plain_name(name, suffix)
    ]
