"""How much a model may take while it is loaded."""

from dataclasses import dataclass
from typing import Final

MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of one load; what goes beyond ends it with a finding.

    The defaults leave 1,000 stores with 40,000 datasets a wide margin.
    """

    #: From the start of eco.py's process to its answer.
    wall_seconds: float = 60
    #: Processor time of eco.py's process, in whole seconds.
    cpu_seconds: int = 60
    #: Address space of eco.py's process.
    memory_bytes: int = 1024 * MIB
    #: The JSON document that it answers with.
    answer_bytes: int = 256 * MIB
    #: Each file that it writes.
    file_bytes: int = 64 * MIB
    #: Processes and threads of the user that runs it, whoever started them; 0: as the system has it.
    user_processes: int = 0
    #: All files of the model's directory together, and their number.
    tree_bytes: int = 256 * MIB
    tree_files: int = 20_000
    #: The mapping file, which is read here.
    mapping_bytes: int = 16 * MIB


DEFAULT: Final = Limits()
