"""What a `Framework` answers with: containers, constants, layers, and the layout of a sparse matrix.

`is_traced` and `stopped` ask of one array what `Framework.is_traced` and `Framework.stop_gradient`
answer, whoever owns it. `LayerParts` is what `Framework.layer` returns, and `Layout` is what
`Framework.sparse` takes. `register_container` makes a class a tree to every engine; `CONTAINERS` lists
those that are, for an engine with trees of its own. `NumPyLike` makes a namespace of a module with
functions like NumPy's, and `register_framework` names the framework of a class without an entry point.
"""

from ..arrays.framework import is_traced, register_framework
from ..arrays.sparse_matrix import Layout
from ..arrays.standard_namespace import NumPyLike
from ..arrays.stop import stopped
from ..arrays.trees import NODES as CONTAINERS
from ..arrays.trees import register as register_container
from ..neutral.layers import Parts as LayerParts

__all__ = [
    "CONTAINERS",
    "LayerParts",
    "Layout",
    "NumPyLike",
    "is_traced",
    "register_container",
    "register_framework",
    "stopped",
]
