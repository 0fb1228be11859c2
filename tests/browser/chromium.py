"""Finds the Chromium that the browser tests drive; `--install` installs one where there is none.

In this order: the environment variable AUTOGAZE_CHROMIUM, Playwright's own build, what the system has.
Installed is Playwright's own build or, where that cannot be downloaded, what the package manager has.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

VARIABLE = "AUTOGAZE_CHROMIUM"
_COMMANDS = ("google-chrome", "google-chrome-stable", "chromium", "chromium-browser")
_APPLICATIONS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
_PLAYWRIGHT_SECONDS = 300
_PACKAGES_SECONDS = 900
# Without a font a page is laid out with empty boxes.
_DEBIAN_PACKAGES = ("chromium", "fonts-dejavu-core")

# Chromium compiles WebAssembly at once without optimising, and optimises what has run for long. At a start of
# Python that is a third of all work and gains nothing; a model's kernels still come to it.
_OPTIMISE_AFTER_BYTES = 1_000_000_000

# Turned off, since shaders then zero their workgroup memory in a loop. With it they do so by a constant, of
# which SwiftShader compiles a store for every element: a model's shaders took four times as long to compile.
_ZERO_IN_A_LOOP = "use_vulkan_zero_initialize_workgroup_memory_extension"

# Without these two every new context starts a process for each list that the address bar could show.
_ADDRESS_BAR = ("WebUIOmniboxPopup", "WebUIOmniboxAimPopup")
# What Playwright turns off: only the last list that Chromium is given counts.
_PLAYWRIGHT_TURNS_OFF = (
    "AimEnabled",
    "AvoidCorsURLLoaderRestartOnRedirect",
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsFirstBalancedModeAutoEnable",
    "HttpsUpgrades",
    "LensOverlay",
    "MediaRouter",
    "NetworkTimeServiceQuerying",
    "OptimizationHints",
    "PaintHolding",
    "PreconnectToSearch",
    "ThirdPartyStoragePartitioning",
)

HOW_TO_INSTALL = (
    "No Chromium was found: install Chromium or Google Chrome with your system's package manager, "
    f"or name one with {VARIABLE}=/path/to/chromium"
)


class ChromiumMissingError(RuntimeError):
    """There is no usable Chromium; the message says what to do."""


def find() -> Path | None:
    """The Chromium to use, or None if there is none.

    Raises:
        ChromiumMissingError: if AUTOGAZE_CHROMIUM names something that is not a program.
    """
    named = os.environ.get(VARIABLE)
    if named:
        path = shutil.which(named)
        if path is None:
            raise ChromiumMissingError(
                f"{VARIABLE}={named} is not a program: give the path of a Chromium or unset it"
            )
        return Path(path)
    with sync_playwright() as playwright:
        own = Path(playwright.chromium.executable_path)
    found = [shutil.which(command) for command in _COMMANDS]
    candidates = [own, *(Path(path) for path in found if path), *map(Path, _APPLICATIONS)]
    return next((path for path in candidates if _usable(path)), None)


def _usable(path: Path) -> bool:
    if not path.is_file():
        return False
    try:
        done = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0 and "chrom" in done.stdout.lower()


def require() -> Path:
    """The Chromium to use.

    Raises:
        ChromiumMissingError: if there is none.
    """
    path = find()
    if path is None:
        raise ChromiumMissingError(f"{HOW_TO_INSTALL}; 'make test' tries to install one by itself")
    return path


def install() -> Path:
    """The Chromium to use, installed first if there is none.

    Raises:
        ChromiumMissingError: if none could be installed either.
    """
    path = find()
    if path is None:
        print("No Chromium here yet: asking Playwright for its own ...", flush=True)
        _run([sys.executable, "-m", "playwright", "install", "chromium"], _PLAYWRIGHT_SECONDS)
        path = find()
    if path is None and (administrator := _administrator()) is not None and shutil.which("apt-get"):
        print("Playwright's could not be had: installing Debian's with apt-get ...", flush=True)
        apt = [*administrator, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "--quiet", "--yes"]
        apt += ["--option", "DPkg::Lock::Timeout=120"]
        _run([*apt, "update"], _PACKAGES_SECONDS)
        _run([*apt, "install", "--no-install-recommends", *_DEBIAN_PACKAGES], _PACKAGES_SECONDS)
        path = find()
    if path is None:
        raise ChromiumMissingError(HOW_TO_INSTALL)
    return path


def _administrator() -> list[str] | None:
    """What to put before a command that needs an administrator; None if that would ask for a password."""
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return []
    if shutil.which("sudo") and _run(["sudo", "-n", "true"], 10):
        return ["sudo", "-n"]
    return None


def _run(command: list[str], seconds: float) -> bool:
    """Whether `command` succeeded in time; what it said is shown only if it did not."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        print(f"  {error}", flush=True)
        return False
    if done.returncode:
        lines = done.stdout.strip().splitlines()
        errors = [line for line in lines if line.startswith(("E:", "Error"))]
        print(f"  {' '.join((errors or lines)[-1:])}", flush=True)
    return done.returncode == 0


def flags(*, webgpu: bool = False, camera: Path | None = None, allow_camera: bool = True) -> list[str]:
    """Chromium's command line for tests and benchmarks.

    Args:
        webgpu: offer WebGPU on a software adapter, which is exact but slow.
        camera: a .y4m or .mjpeg file that plays as the camera, over and over; None is no camera.
        allow_camera: grant every request for the camera, else deny it, both without asking.
    """
    arguments = [
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-domain-reliability",
        "--disable-sync",
        "--no-default-browser-check",
        "--no-first-run",
        "--autoplay-policy=no-user-gesture-required",
        f"--disable-features={','.join((*_PLAYWRIGHT_TURNS_OFF, *_ADDRESS_BAR))}",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        arguments.append("--no-sandbox")  # Chromium refuses to start as root with its sandbox on.
    if webgpu:
        arguments += [
            "--enable-unsafe-webgpu",
            "--use-webgpu-adapter=swiftshader",
            f"--disable-dawn-features={_ZERO_IN_A_LOOP}",
        ]
    if camera is not None:
        arguments += ["--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={camera}"]
    arguments.append("--use-fake-ui-for-media-stream" if allow_camera else "--deny-permission-prompts")
    return arguments


def flags_for_tests(**options: Any) -> list[str]:
    """As `flags`, for tests, of which each starts Python anew; nothing that is measured may use them."""
    return [*flags(**options), f"--js-flags=--wasm-tiering-budget={_OPTIMISE_AFTER_BYTES}"]


def main() -> None:
    try:
        path = install() if "--install" in sys.argv[1:] else require()
    except ChromiumMissingError as error:
        sys.exit(f"error: {error}")
    print(f"Chromium: {path}")


if __name__ == "__main__":
    main()
