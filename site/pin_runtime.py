"""Updates the versions, sizes and digests in runtime.lock.json after a change of wasm_bridge/package.json.

Run it with `make pin`, and review the difference before you commit it.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import PurePosixPath

from build_site import CACHE, NODE_MODULES
from fetch_runtime import default_sources, obtain_wheels
from runtime_lock import LOCK_PATH, parse_lock

_SIZE_LIMIT = 1 << 30


def main() -> None:
    data = json.loads(LOCK_PATH.read_text(encoding="utf-8"))
    pyodide = data["pyodide"]
    version = json.loads((NODE_MODULES / "pyodide/package.json").read_text(encoding="utf-8"))["version"]
    pyodide["cdn"] = pyodide["cdn"].replace(pyodide["version"], version)
    pyodide["version"] = version

    packages = json.loads((NODE_MODULES / pyodide["lock"]["npm"]).read_text(encoding="utf-8"))["packages"]
    entries = [pyodide["lock"], *data["start"], *data["packages"], *data["model"], *data["recording"]]
    for entry in entries:
        if "npm" in entry:
            content = (NODE_MODULES / entry["npm"]).read_bytes()
            entry |= {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        else:
            known = packages[entry["package"]]
            path = PurePosixPath(entry["path"]).with_name(known["file_name"])
            entry |= {"path": str(path), "bytes": _SIZE_LIMIT, "sha256": known["sha256"]}

    lock = parse_lock(data)
    wheels = obtain_wheels([file for file in lock.files if file.package], CACHE, default_sources(lock))
    for entry in entries:
        if "package" in entry:
            entry["bytes"] = len(wheels[entry["path"]])
    LOCK_PATH.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
