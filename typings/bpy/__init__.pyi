# bpy comes without type information. Everything in it is Any here, so that the checker looks at our own code.
from typing import Any

from . import types as types

app: Any
context: Any
data: Any
ops: Any
path: Any
utils: Any
