"""Who may import whom: data flows one way, from acquisition and image to page."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = sorted(p.name for p in (ROOT / "jaxqmri").iterdir() if (p / "__init__.py").exists())
MAY_IMPORT = {
    "physics": set(),
    "io": set(),
    "networks": set(),
    "analysis": set(),
    "fitting": {"physics"},
    "design": {"physics", "fitting"},
    "training": {"physics"},
    "simulate": {"physics"},
    "preprocessing": {"io"},
    "mapping": {"physics", "fitting", "preprocessing.fields", "preprocessing.transforms"},
    "report": {"analysis", "fitting.result"},
    "cli": set(PACKAGES),
}
EXCEPTIONS = {"simulate/cohorts.py": {"io"}}


def imports(path: Path) -> set[str]:
    """Modules of jaxqmri, experiments and benchmarks that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level:
            raise AssertionError(f"{path}: relative import")
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return {
        name for name in found if name.split(".")[0] in ("jaxqmri", "experiments", "benchmarks")
    }


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_only_what_it_may(package: str):
    for path in sorted((ROOT / "jaxqmri" / package).rglob("*.py")):
        place = path.relative_to(ROOT / "jaxqmri").as_posix()
        allowed = MAY_IMPORT[package] | EXCEPTIONS.get(place, set()) | {package}
        for name in imports(path):
            inner = name.removeprefix("jaxqmri").removeprefix(".")
            inner = {"fit": "fitting", "__version__": ""}.get(inner, inner)
            assert name.startswith("jaxqmri"), f"{place} imports {name}"
            ok = inner == "" or any(inner == a or inner.startswith(a + ".") for a in allowed)
            part_of_allowed = any(a.startswith(inner + ".") for a in allowed if inner)
            assert ok or part_of_allowed, f"{place} imports {name}"


# of physics a model's start needs its amplitudes, whose closed form needs models
@pytest.mark.parametrize("package", [name for name in PACKAGES if name != "physics"])
def test_modules_of_a_package_import_each_other_one_way(package: str):
    folder = ROOT / "jaxqmri" / package
    files = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts): path
        for path in folder.rglob("*.py")
        if path.name != "__init__.py"
    }
    wanted = {module: imports(path) & set(files) for module, path in files.items()}
    while wanted:
        last = {module for module, others in wanted.items() if not others & set(wanted)}
        assert last, f"in a circle: {', '.join(sorted(wanted))}"
        wanted = {module: others for module, others in wanted.items() if module not in last}


def test_nobody_imports_experiments_or_benchmarks():
    for path in sorted((ROOT / "jaxqmri").rglob("*.py")):
        assert not [n for n in imports(path) if not n.startswith("jaxqmri")], path


def test_every_package_is_known_here():
    assert set(PACKAGES) <= set(MAY_IMPORT)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["fit"],
        ["predict"],
        ["simulate"],
        ["stats"],
        ["design"],
        ["cartilage"],
        ["convert"],
        ["convert-oai"],
    ],
)
def test_help_does_not_import_jax(arguments: list[str]):
    program = (
        "import sys\nfrom jaxqmri.cli.main import main\n"
        f"try:\n    main({[*arguments, '--help']!r})\nexcept SystemExit:\n    pass\n"
        "assert 'jax' not in sys.modules, 'jax was imported'\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "usage" in done.stdout.lower()
