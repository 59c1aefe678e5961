"""Puts libmaas into the wheel and names the platforms that the library runs on. scripts/build-wheel.sh calls it."""

import os
import platform
import re
import subprocess

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
LIBRARY = os.environ.get("MAAS_WHEEL_LIBRARY", os.path.join(ROOT, ".build", "wheel", "libmaas.so.1"))


def glibc_needed(library):
    """The newest version of glibc that the library asks for, as "2_36"."""
    needed = subprocess.run(["objdump", "-p", library], check=True, capture_output=True, text=True).stdout
    versions = {tuple(map(int, found)) for found in re.findall(r"GLIBC_(\d+)\.(\d+)", needed)}
    if "GLIBC_ABI_DT_RELR" in needed:  # Packed relative relocations.
        versions.add((2, 36))
    # 2.17 is the oldest that pip knows by this scheme.
    return "_".join(map(str, max(versions | {(2, 17)})))


class WheelHook(BuildHookInterface):
    def initialize(self, version, build_data):
        if version == "editable":
            return
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-manylinux_{glibc_needed(LIBRARY)}_{platform.machine()}"
        build_data["force_include"][LIBRARY] = "maas/libmaas.so.1"
        build_data["force_include"][os.path.join(ROOT, "LICENSE")] = "maas/LICENSE"
