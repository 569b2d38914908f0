"""Where memory runs out, a whole video is not called damaged, and no frame of it is left out as if it were."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("resource", reason="needs limits on memory")

LIMITED = """
import resource, sys
from pathlib import Path
from fer_client.errors import InputError, fails_alone
from fer_client.media.video import open_video

with open_video(Path(sys.argv[1])) as video:
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + (6 << 20), -1))  # less than a thread's stack
    try:
        with fails_alone(sys.argv[1]):
            told = len(list(video.frames(allow_corruption=sys.argv[2] == "partial"))), video.corruption
    except InputError as error:
        told = error
    resource.setrlimit(resource.RLIMIT_AS, (-1, -1))
    print(told)
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux")
@pytest.mark.parametrize("allowed", ["whole", "partial"])
def test_too_little_for_the_decoder(face_video: Path, allowed: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, face_video, allowed],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.startswith(f"{face_video}: expected enough memory")
