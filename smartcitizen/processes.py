"""Child processes: none outlives the process that started it, and each is stopped in good order."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from typing import Any

# Linux can end a child with its parent, even where the parent is killed outright. Looked up here,
# not in the new child: between fork and exec nothing may be loaded.
_prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None
_PR_SET_PDEATHSIG = 1


def start(
    command: Sequence[str], *, farewell: int = signal.SIGTERM, **options: Any
) -> subprocess.Popen[bytes]:
    """Start `command`, which is sent the signal `farewell` should this process die (on Linux).

    `options` are those of `subprocess.Popen`. Call it from the main thread: Linux takes the death
    of the thread that started the child for that of the parent. Raises OSError where the program
    cannot be run.
    """
    tie = partial(_end_with_parent, os.getpid(), farewell) if _prctl else None
    return subprocess.Popen(command, preexec_fn=tie, **options)


def stop(process: subprocess.Popen[bytes], *steps: tuple[int, float]) -> int:
    """End `process` by the signals of `steps`, each given its seconds, and return its exit code.

    SIGKILL follows where no step was enough.
    """
    for signum, seconds in (*steps, (signal.SIGKILL, 60)):
        if process.poll() is None:
            process.send_signal(signum)
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                continue
        break
    return process.wait()


def exit_code(returncode: int) -> int:
    """Turn Popen's return code into a shell's: a death by signal n is 128 + n."""
    return returncode if returncode >= 0 else 128 - returncode


def _end_with_parent(parent: int, farewell: int) -> None:
    """Runs in the child before the program: ask the kernel for a signal at the parent's death."""
    assert _prctl
    _prctl(_PR_SET_PDEATHSIG, farewell, 0, 0, 0)
    if os.getppid() != parent:  # it died between fork and the line above
        os._exit(1)
