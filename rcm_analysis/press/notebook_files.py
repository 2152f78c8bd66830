"""nbformat, as the press imports it: without the grammar of international addresses.

jsonschema, which nbformat imports, builds that grammar on import wherever `rfc3987_syntax` is installed. It takes
longer than all the rest of the press, in every process anew, and notebooks hold no such address to check.
"""

import sys

_GRAMMAR = "rfc3987_syntax"
_there = _GRAMMAR in sys.modules
sys.modules.setdefault(_GRAMMAR, None)  # type: ignore[arg-type]
import nbformat as nbformat  # noqa: E402

if not _there:
    del sys.modules[_GRAMMAR]
