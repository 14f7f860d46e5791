"""What sanitizers report of the programs under test.

tests/sanitize.sh names the folder; without it there is nothing to report.
"""
import glob
import os

FOLDER = os.environ.get("PULLWIRE_REPORTS")
# For programs that are started with an environment of their own.
OPTIONS = {k: v for k, v in os.environ.items()
           if k in ("ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS",
                    "PULLWIRE_UBSAN_PATH")}
# For a process that ends amid its work, or cannot open a file for a report.
NO_LEAKS = {"ASAN_OPTIONS": OPTIONS.get("ASAN_OPTIONS", "")
            + ":detect_leaks=0"}
# How many times longer than usual something may take.
PATIENCE = float(os.environ.get("PULLWIRE_PATIENCE", "1"))


def take():
    """All reports that are there, each once; they stay below told/."""
    if not FOLDER:
        return ""
    texts = []
    for path in sorted(glob.glob(os.path.join(FOLDER, "report.*"))):
        with open(path, errors="replace") as f:
            texts.append(f.read())
        told = os.path.join(FOLDER, "told")
        os.makedirs(told, exist_ok=True)
        os.rename(path, os.path.join(told, os.path.basename(path)))
    return "\n".join(texts)
