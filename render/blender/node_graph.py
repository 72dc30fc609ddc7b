"""Node trees in few words: each function adds one node and gives back the socket that carries its result."""

from collections.abc import Mapping

import bpy

Socket = bpy.types.NodeSocket
Value = float | tuple[float, ...] | Socket


def add_node(
    tree: bpy.types.NodeTree,
    kind: str,
    *,
    settings: Mapping[str, object] | None = None,
    inputs: Mapping[str | int, Value] | None = None,
) -> bpy.types.Node:
    """A node of this kind whose settings are set and whose inputs hold a value or are linked to a socket.

    An input is named, or numbered where names repeat (the two values of a Math node).
    Raises: KeyError that names node and input when the node has no such input.
    """
    node = tree.nodes.new(kind)
    for name, value in (settings or {}).items():
        setattr(node, name, value)
    for name, value in (inputs or {}).items():
        if isinstance(name, str) and name not in node.inputs:
            raise KeyError(f"{kind} has no input {name!r}; it has {[socket.name for socket in node.inputs]}")
        connect(tree, value, node.inputs[name])
    return node


def connect(tree: bpy.types.NodeTree, value: Value, target: Socket) -> None:
    """Link a socket to this input, or set the input to a constant; three numbers become an opaque colour if need be."""
    if isinstance(value, bpy.types.NodeSocket):
        tree.links.new(value, target)
    elif target.type == "RGBA" and isinstance(value, tuple) and len(value) == 3:
        target.default_value = (*value, 1.0)  # pyright: ignore[reportAttributeAccessIssue]
    else:
        target.default_value = value  # pyright: ignore[reportAttributeAccessIssue]


def math(tree: bpy.types.NodeTree, operation: str, first: Value, second: Value = 0.0, *, clamp: bool = False) -> Socket:
    """first OPERATION second, for the operations of Blender's Math node."""
    settings = {"operation": operation, "use_clamp": clamp}
    return add_node(tree, "ShaderNodeMath", settings=settings, inputs={0: first, 1: second}).outputs[0]


def vector_math(tree: bpy.types.NodeTree, operation: str, first: Value, second: Value = (0.0, 0.0, 0.0)) -> Socket:
    """Vector Math of two vectors; DOT_PRODUCT and LENGTH give their number, all others a vector."""
    node = add_node(tree, "ShaderNodeVectorMath", settings={"operation": operation}, inputs={0: first, 1: second})
    return node.outputs["Value" if operation in {"DOT_PRODUCT", "LENGTH", "DISTANCE"} else "Vector"]


def scale_vector(tree: bpy.types.NodeTree, vector: Value, factor: Value) -> Socket:
    """vector * factor, where the factor is one number."""
    node = add_node(tree, "ShaderNodeVectorMath", settings={"operation": "SCALE"}, inputs={0: vector, "Scale": factor})
    return node.outputs["Vector"]


def step(tree: bpy.types.NodeTree, value: Value, low: float, high: float) -> Socket:
    """0 below `low`, 1 above `high`, smooth between; with low > high it falls instead of rising."""
    falling = low > high
    inputs: dict[str | int, Value] = {
        "Value": value,
        "From Min": min(low, high),
        "From Max": max(low, high),
        "To Min": 1.0 if falling else 0.0,
        "To Max": 0.0 if falling else 1.0,
    }
    return add_node(tree, "ShaderNodeMapRange", settings={"interpolation_type": "SMOOTHSTEP"}, inputs=inputs).outputs[
        "Result"
    ]


def spread(tree: bpy.types.NodeTree, value: Value, low: float, high: float) -> Socket:
    """A number of 0..1 mapped linearly to low..high."""
    return math(tree, "ADD", math(tree, "MULTIPLY", value, high - low), low)


def mix_colour(tree: bpy.types.NodeTree, factor: Value, first: Value, second: Value, *, blend: str = "MIX") -> Socket:
    """first where factor is 0, `blend` of first and second where it is 1; linear between."""
    node = add_node(
        tree,
        "ShaderNodeMix",
        settings={"data_type": "RGBA", "blend_type": blend, "clamp_factor": True},
        # The Mix node has one set of sockets for each data type, all of the same names: 0 factor, 6 and 7 colours.
        inputs={0: factor, 6: first, 7: second},
    )
    return node.outputs[2]


def noise(
    tree: bpy.types.NodeTree,
    coordinates: Value,
    scale: float,
    *,
    detail: float = 2.0,
    distortion: float = 0.0,
    output: str = "Fac",
) -> Socket:
    """Fractal noise, 0..1 about 0.5; one feature is about 1 / scale wide."""
    inputs: dict[str | int, Value] = {
        "Vector": coordinates, "Scale": scale, "Detail": detail, "Distortion": distortion
    }  # fmt: skip
    return add_node(tree, "ShaderNodeTexNoise", inputs=inputs).outputs[output]


def voronoi(
    tree: bpy.types.NodeTree,
    coordinates: Value,
    scale: float,
    *,
    feature: str = "F1",
    output: str = "Distance",
    dimensions: str = "3D",
) -> Socket:
    """Cells about 1 / scale wide: distance to the nearest cell point, or a random colour per cell."""
    settings = {"feature": feature, "voronoi_dimensions": dimensions}
    inputs: dict[str | int, Value] = {"Vector": coordinates, "Scale": scale}
    return add_node(tree, "ShaderNodeTexVoronoi", settings=settings, inputs=inputs).outputs[output]


def attribute(tree: bpy.types.NodeTree, name: str, *, output: str = "Fac") -> Socket:
    """A mesh attribute by name: "Fac" for a number, "Vector" for three. A missing attribute reads 0."""
    return add_node(tree, "ShaderNodeAttribute", settings={"attribute_name": name}).outputs[output]


def split(tree: bpy.types.NodeTree, vector: Value) -> tuple[Socket, Socket, Socket]:
    """The three components of a vector."""
    node = add_node(tree, "ShaderNodeSeparateXYZ", inputs={"Vector": vector})
    return node.outputs["X"], node.outputs["Y"], node.outputs["Z"]


def join(tree: bpy.types.NodeTree, x: Value, y: Value, z: Value) -> Socket:
    """A vector of three numbers."""
    return add_node(tree, "ShaderNodeCombineXYZ", inputs={"X": x, "Y": y, "Z": z}).outputs["Vector"]


def bump(tree: bpy.types.NodeTree, height_m: Value, *, strength: float = 1.0, normal: Socket | None = None) -> Socket:
    """The shading normal of a relief of this height in metres; geometry and depth stay as they are."""
    inputs: dict[str | int, Value] = {"Height": height_m, "Distance": 1.0, "Strength": strength}
    if normal is not None:
        inputs["Normal"] = normal
    return add_node(tree, "ShaderNodeBump", inputs=inputs).outputs["Normal"]


def empty_material(name: str) -> tuple[bpy.types.Material, bpy.types.NodeTree]:
    """A new material with nodes, but none in it yet."""
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    tree = material.node_tree
    assert tree is not None
    tree.nodes.clear()
    return material, tree


def finish(tree: bpy.types.NodeTree, shader: Socket) -> None:
    """Link the shader to a new Material Output."""
    output = add_node(tree, "ShaderNodeOutputMaterial")
    tree.links.new(shader, output.inputs["Surface"])


def principled(tree: bpy.types.NodeTree, inputs: Mapping[str | int, Value]) -> bpy.types.Node:
    """A Principled BSDF; its subsurface, if any, is the diffusion profile of Christensen and Burley.

    A random walk through the skin looks the same at this size, but takes 1.6 times as long (docs/speed.md).
    """
    return add_node(tree, "ShaderNodeBsdfPrincipled", settings={"subsurface_method": "BURLEY"}, inputs=inputs)
