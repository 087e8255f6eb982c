"""Makes the directory of a large model: the program in `model_scale/`, how large it shall be, and its mapping file."""

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

PROGRAM: Final = Path(__file__).parent / "model_scale" / "eco.py"
_PLATFORMS: Final = {"LiveDSG": "YellowLive", "ForensicDSG": "YellowForensic"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How many `stores` there are, of how many `datasets` each; the first `changed` datasets have a column more."""

    stores: int
    datasets: int
    changed: int = 0


def write(directory: Path, size: Size) -> Path:
    """Make the model's files in `directory`, which may hold another size of it; returns the directory."""
    directory.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(PROGRAM, directory / "eco.py")
    (directory / "size.json").write_text(json.dumps(asdict(size)), encoding="utf-8")
    mapping = [_entry(f"Consumer{store:04}", group) for store in range(size.stores) for group in _PLATFORMS]
    (directory / "dsg_platform_mapping.json").write_text(json.dumps(mapping, indent=1), encoding="utf-8")
    return directory


def _entry(workspace: str, group: str) -> dict[str, object]:
    return {
        "dsgName": group,
        "workspace": workspace,
        "assignments": [
            {
                "dataPlatform": _PLATFORMS[group],
                "documentation": "",
                "productionStatus": "PRODUCTION",
                "deprecationsAllowed": "NEVER",
                "status": "PROVISIONED",
            }
        ],
    }
