from typing import Any

Matrix: Any
Quaternion: Any
Vector: Any
