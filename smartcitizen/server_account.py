"""Whom the embedded servers run as, and how that account reaches their files.

PostgreSQL refuses to run as root. Where we are root, the servers run as an account without rights,
which has to be let through to its data and to the programs of the wheels.
"""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

UNPRIVILEGED = "nobody"


@dataclass(frozen=True)
class Account:
    """A user and group of the system; `switch` says that they are not our own."""

    uid: int
    gid: int
    switch: bool

    @property
    def options(self) -> dict[str, Any]:
        """What `subprocess.Popen` needs to run a program as this account."""
        if not self.switch:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, directory: Path) -> Path:
        """Make `directory` for this account alone (0700), or leave the one that is there."""
        directory.mkdir(mode=0o700, parents=False, exist_ok=True)
        if self.switch:
            os.chown(directory, self.uid, self.gid)
        return directory


def account_for(data: Path) -> Account:
    """Choose whom the servers run as: ourselves, or as root the owner of `data`, or nobody.

    Keeping the owner lets root continue what a user began. Raises LookupError where this machine
    has no account named nobody.
    """
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), switch=False)
    if data.exists() and data.stat().st_uid != 0:
        owner = data.stat()
        return Account(owner.st_uid, owner.st_gid, switch=True)
    try:
        user = pwd.getpwnam(UNPRIVILEGED)
    except KeyError:
        raise LookupError(f"this machine has no account named {UNPRIVILEGED}") from None
    return Account(user.pw_uid, user.pw_gid, switch=True)


def let_through(account: Account, paths: Iterable[Path]) -> list[Path]:
    """Let `account` pass (o+x, never o+r) through every directory above `paths`.

    Returns the directories that had to be changed; none where we run the servers ourselves.
    """
    changed: list[Path] = []
    if not account.switch:
        return changed
    for path in paths:
        for directory in reversed(path.resolve().parents):
            state = directory.stat()
            mine = state.st_uid == account.uid
            if not state.st_mode & (stat.S_IXUSR if mine else stat.S_IXOTH):
                directory.chmod(stat.S_IMODE(state.st_mode) | stat.S_IXOTH)
                changed.append(directory)
    return changed


def open_program_files(account: Account, tree: Path) -> bool:
    """Make the public files of a wheel under `tree` readable, where a strict umask closed them.

    Returns whether anything was changed. Only files of a published package are opened here: they
    hold nothing of ours.
    """
    if not account.switch or tree.stat().st_mode & stat.S_IROTH:
        return False
    for path in (tree, *tree.rglob("*")):
        if not path.is_symlink():
            mode = stat.S_IMODE(path.stat().st_mode)
            path.chmod(mode | (mode & 0o500) >> 6)
    return True
