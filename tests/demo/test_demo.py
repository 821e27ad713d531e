"""The demonstration is the main job once; here it must hold, calls and all."""

import json
import subprocess
import sys
from pathlib import Path


def test_every_promise_of_the_demonstration_holds():
    command = Path(sys.executable).with_name("tipline-gw")
    done = subprocess.run(
        [command, "demo", "--json"], capture_output=True, text=True, timeout=280, check=False
    )
    summary = json.loads(done.stdout)
    broken = [point for point in summary["points"] if not point["held"]]
    assert (broken, summary["notes"]) == ([], []), done.stderr
    assert done.returncode == 0
    assert summary["held"]
    assert summary["seconds"] < 180
    assert len(summary["points"]) >= 14
