"""Where the films of tests and measurements are: $KINOPHONE_FILMS, ../shared/data beside the checkout, or what scripts/fetch-films has fetched."""
import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def footage():
    """The folder, which holds films/, edge/ and grains/."""
    if named := os.environ.get("KINOPHONE_FILMS"):
        return Path(named)
    beside = ROOT.parent / "shared/data"
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return beside if beside.is_dir() else cache / "kinophone/test-films"


def find(name):
    """A film by its file name."""
    return footage() / f"films/{name}"
