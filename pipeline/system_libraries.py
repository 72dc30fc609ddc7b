"""System libraries that bpy needs: which are missing here, and in which Debian packages they are."""

import importlib.util
import re
import subprocess
from pathlib import Path

# Debian 12 and Ubuntu 22.04 names. Ubuntu 24.04 renamed a few; apt-get understands the old ones there.
DEBIAN_PACKAGES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libGLX.so.0": "libglx0",
    "libICE.so.6": "libice6",
    "libOpenGL.so.0": "libopengl0",
    "libSM.so.6": "libsm6",
    "libX11.so.6": "libx11-6",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libXcursor.so.1": "libxcursor1",
    "libXext.so.6": "libxext6",
    "libXfixes.so.3": "libxfixes3",
    "libXi.so.6": "libxi6",
    "libXinerama.so.1": "libxinerama1",
    "libXrandr.so.2": "libxrandr2",
    "libXrender.so.1": "libxrender1",
    "libXt.so.6": "libxt6",
    "libXxf86vm.so.1": "libxxf86vm1",
    "libdbus-1.so.3": "libdbus-1-3",
    "libdrm.so.2": "libdrm2",
    "libgomp.so.1": "libgomp1",
    "libstdc++.so.6": "libstdc++6",
    "libwayland-client.so.0": "libwayland-client0",
    "libwayland-cursor.so.0": "libwayland-cursor0",
    "libwayland-egl.so.1": "libwayland-egl1",
    "libxcb.so.1": "libxcb1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libz.so.1": "zlib1g",
}
_LDD_MISSING = re.compile(r"^\s*(\S+) => not found", re.MULTILINE)
_IMPORT_MISSING = re.compile(r"(\S+\.so[.\d]*): cannot open shared object file")


def bpy_library() -> Path | None:
    """The compiled part of the installed bpy, found without importing it; None when bpy is not installed."""
    spec = importlib.util.find_spec("bpy")
    return Path(spec.origin) if spec is not None and spec.origin else None


def missing_libraries(library: Path, *, import_error: str) -> list[str]:
    """Names of shared libraries that the loader does not find: all that `ldd` tells, and the one an import named."""
    names = set(_IMPORT_MISSING.findall(import_error))
    try:
        answer = subprocess.run(["ldd", str(library)], capture_output=True, text=True, timeout=60, check=False)
        names |= set(_LDD_MISSING.findall(answer.stdout))
    except (OSError, subprocess.TimeoutExpired):
        pass
    return sorted(Path(name).name for name in names)


def installation_advice(libraries: list[str]) -> str:
    """The command that installs the libraries on Debian and Ubuntu, and what to do about those it does not know."""
    packages = sorted({DEBIAN_PACKAGES[name] for name in libraries if name in DEBIAN_PACKAGES})
    unknown = [name for name in libraries if name not in DEBIAN_PACKAGES]
    advice = [f"apt-get install {' '.join(packages)}"] if packages else []
    if unknown:
        advice.append(f"find the packages of {', '.join(unknown)}: apt-file search {unknown[0]}")
    return "; ".join(advice)
