"""Blender's own hair nodes: strands interpolated between guides, drawn into locks, curled, braided and frizzed."""

import math
from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np
from jaxtyping import Float, Int

from render.blender.node_graph import Socket
from render.blender.polygon_mesh import paint_points, polygon_mesh
from render.hair.guides import Guides
from render.hair.styles import Finish
from render.hair.surface import HairSurface

ASSETS = Path("datafiles") / "assets" / "geometry_nodes" / "procedural_hair_node_assets.blend"
NODE_GROUPS = (
    "Interpolate Hair Curves", "Clump Hair Curves", "Curl Hair Curves", "Hair Curves Noise", "Frizz Hair Curves",
    "Trim Hair Curves", "Set Hair Curve Profile",
)  # fmt: skip
# How much of a strand's length is at full thickness, as the shape of the profile node.
_TAPER = 0.35


@dataclass(frozen=True)
class Strands:
    """Finished hair in the head frame: as many points in every strand, half its thickness at each point, and the
    triangle of the surface that it is rooted in."""

    points_m: Float[np.ndarray, "s k 3"]
    radii_m: Float[np.ndarray, "s k"]
    root_triangles: Int[np.ndarray, " s"]


def load_hair_nodes() -> None:
    """Append the node groups to this session, unless they are here already."""
    missing = [name for name in NODE_GROUPS if name not in bpy.data.node_groups]
    if not missing:
        return
    path = Path(bpy.utils.resource_path("LOCAL")) / ASSETS
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist: this bpy came without Blender's hair nodes; install bpy again")
    with bpy.data.libraries.load(str(path)) as (_, wanted):
        wanted.node_groups = missing


def strands_between(
    guides: Guides,
    surface: HairSurface,
    density: Float[np.ndarray, " n"],
    finish: Finish,
    *,
    islands: Int[np.ndarray, " t"],
    seed: int,
) -> Strands:
    """Fill the places where density is above 0 with strands between the guides.

    Strands take guides of their own island only (a number for each triangle, 0 or more): hair on either side of a
    parting keeps apart.

    Raises: RuntimeError when no strand comes out of the nodes.
    """
    load_hair_nodes()
    corners = surface.triangles
    # The very triangles that scatter_roots takes: a guide that is rooted beside them would be tied to another triangle.
    used = np.flatnonzero(surface.growing & (density[corners].max(axis=1) > 0))
    skin = _surface_object(surface, density, used, islands[used])
    hair = _guide_object(guides, used)
    area = _weighted_area(surface, density, used)
    length = float(np.linalg.norm(np.diff(guides.points_m, axis=1), axis=2).sum(axis=1).mean())
    density_per_m2 = finish.strands / area
    tree = _node_tree(skin, finish, density_per_m2=density_per_m2, length_m=length, seed=seed)
    modifier = hair.modifiers.new("hair", "NODES")
    modifier.node_group = tree
    scene = bpy.context.scene
    for made in (skin, hair):
        scene.collection.objects.link(made)
    try:
        evaluated = hair.evaluated_get(bpy.context.evaluated_depsgraph_get())
        return _read(evaluated.data, used, guides.points_m.shape[1])
    finally:
        data = [skin.data, hair.data, tree]
        bpy.data.batch_remove([skin, hair, *data])


def _surface_object(
    surface: HairSurface, density: np.ndarray, used: np.ndarray, islands: np.ndarray
) -> bpy.types.Object:
    # Islands of the mesh: the node never mixes guides of different ones.
    corners = surface.triangles[used] + islands[:, None] * len(surface.vertices_m)
    kept, local = np.unique(corners, return_inverse=True)
    source = kept % len(surface.vertices_m)
    mesh = polygon_mesh(
        "hair_surface",
        surface.vertices_m[source],
        local.ravel(),
        np.full(len(used), 3),
        corner_uvs=_cell_corners(len(used)).reshape(-1, 2),
        made_by="the triangles of the skin that hair grows on",
    )
    paint_points(mesh, "density", density[source])
    return bpy.data.objects.new("hair_surface", mesh)


def _cells_across(count: int) -> int:
    return int(np.ceil(np.sqrt(count)))


def _cell_corners(count: int) -> Float[np.ndarray, "t 3 2"]:
    """UVs in which every triangle has a cell of its own: a strand's UV tells its triangle without any doubt."""
    across = _cells_across(count)
    cells = np.stack([np.arange(count) % across, np.arange(count) // across], axis=1)
    corners = np.array([[0.1, 0.1], [0.9, 0.1], [0.1, 0.9]])
    return (cells[:, None] + corners) / across


def _guide_object(guides: Guides, used: np.ndarray) -> bpy.types.Object:
    data = bpy.data.hair_curves.new("guides")
    count, points, _ = guides.points_m.shape
    data.add_curves([points] * count)
    data.position_data.foreach_set("vector", guides.points_m.astype(np.float32).ravel())
    place = np.minimum(np.searchsorted(used, guides.roots.triangles), len(used) - 1)
    if (used[place] != guides.roots.triangles).any():
        raise RuntimeError("a guide is rooted where no hair grows; take its roots from scatter_roots with this density")
    uvs = (_cell_corners(len(used))[place] * guides.roots.corner_weights[..., None]).sum(axis=1)
    attribute = data.attributes.new("surface_uv_coordinate", "FLOAT2", "CURVE")
    attribute.data.foreach_set("vector", uvs.astype(np.float32).ravel())
    return bpy.data.objects.new("guides", data)


def _weighted_area(surface: HairSurface, density: np.ndarray, used: np.ndarray) -> float:
    corners = surface.vertices_m[surface.triangles[used]]
    areas = 0.5 * np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    return float((areas * density[surface.triangles[used]].mean(axis=1)).sum())


def _node_tree(
    skin: bpy.types.Object, finish: Finish, *, density_per_m2: float, length_m: float, seed: int
) -> bpy.types.NodeTree:
    tree = bpy.data.node_groups.new("hair", "GeometryNodeTree")
    tree.interface.new_socket("Geometry", in_out="INPUT", socket_type="NodeSocketGeometry")
    tree.interface.new_socket("Geometry", in_out="OUTPUT", socket_type="NodeSocketGeometry")
    hair = tree.nodes.new("NodeGroupInput").outputs[0]
    inputs = {
        "Surface": skin,
        "Surface UV Map": _named(tree, "UVMap", "FLOAT_VECTOR"),
        "Follow Surface Normal": False,
        "Part by Mesh Islands": True,
        "Interpolation Guides": 3,
        "Poisson Disk Distribution": False,
        "Density": density_per_m2,
        "Density Mask": _named(tree, "density", "FLOAT"),
        "Seed": seed % 10_000,
    }
    hair = _apply(tree, "Interpolate Hair Curves", hair, inputs)
    if finish.clump > 0:
        hair = _apply(
            tree,
            "Clump Hair Curves",
            hair,
            {
                "Guide Distance": 0.001 * finish.lock_mm,
                "Existing Guide Map": False,
                "Factor": finish.clump,
                "Shape": finish.clump_shape,
                "Tip Spread": 0.0004,
                "Clump Offset": 0.0,
                "Seed": seed % 9973,
            },
        )
    if finish.curl_mm > 0:
        hair = _apply(
            tree,
            "Curl Hair Curves",
            hair,
            {
                "Guide Distance": 0.001 * finish.lock_mm,
                "Existing Guide Map": finish.clump > 0,
                "Subdivision": 0,
                "Curl Start": 0.12,
                "Radius": 0.001 * finish.curl_mm,
                "Frequency": 2 * math.pi * finish.turns,  # radians from root to tip, as measured
                "Random Offset": 0.7,
                "Seed": seed % 9967,
            },
        )
    if finish.noise_mm > 0:
        hair = _apply(
            tree,
            "Hair Curves Noise",
            hair,
            {
                "Distance": 0.001 * finish.noise_mm,
                "Scale": 30.0,
                "Scale along Curve": 1.0,
                "Offset per Curve": 0.6,
                "Shape": 0.5,
                "Seed": seed % 9949,
            },
        )
    if finish.frizz_mm > 0:
        hair = _apply(
            tree, "Frizz Hair Curves", hair, {"Distance": 0.001 * finish.frizz_mm, "Shape": 0.6, "Seed": seed % 9941}
        )
    if finish.uneven > 0:
        hair = _apply(
            tree,
            "Trim Hair Curves",
            hair,
            {
                "Scale Uniform": True,
                "Length Factor": 1.0,
                "Replace Length": False,
                "Random Offset": finish.uneven * length_m,
                "Seed": seed % 9931,
            },
        )
    hair = _apply(
        tree,
        "Set Hair Curve Profile",
        hair,
        {"Replace Radius": True, "Radius": 0.001 * finish.radius_mm, "Shape": _TAPER, "Factor Max": 1.0},
    )
    tree.links.new(hair, tree.nodes.new("NodeGroupOutput").inputs[0])
    return tree


def _named(tree: bpy.types.NodeTree, name: str, kind: str) -> Socket:
    node = tree.nodes.new("GeometryNodeInputNamedAttribute")
    node.data_type = kind  # pyright: ignore[reportAttributeAccessIssue]
    node.inputs["Name"].default_value = name  # pyright: ignore[reportAttributeAccessIssue]
    return next(socket for socket in node.outputs if socket.enabled and socket.name == "Attribute")


def _apply(tree: bpy.types.NodeTree, group: str, hair: Socket, inputs: dict[str, object]) -> Socket:
    """One of Blender's hair node groups at work on `hair`; gives the geometry that comes out.

    Raises: KeyError that names group and input when the group has no such input.
    """
    node = tree.nodes.new("GeometryNodeGroup")
    node.node_tree = bpy.data.node_groups[group]  # pyright: ignore[reportAttributeAccessIssue]
    tree.links.new(hair, node.inputs[0])
    for name, value in inputs.items():
        # Surface and hair tie come twice, as geometry and as object; we give objects.
        found = [socket for socket in node.inputs if socket.name == name and socket.type != "GEOMETRY"]
        if not found:
            raise KeyError(f"{group!r} has no input {name!r}; it has {[socket.name for socket in node.inputs]}")
        if isinstance(value, bpy.types.NodeSocket):
            tree.links.new(value, found[0])
        else:
            found[0].default_value = value  # pyright: ignore[reportAttributeAccessIssue]
    return node.outputs[0]


def _read(curves: bpy.types.ID, used: np.ndarray, points_a_strand: int) -> Strands:
    """All strands that came out whole.

    On a patch of skin without any guide (a few triangles cut off by the edge of a brow) the nodes leave a root alone.
    """
    assert isinstance(curves, bpy.types.Curves)
    points = np.empty(3 * len(curves.points), dtype=np.float32)
    curves.position_data.foreach_get("vector", points)
    offsets = np.empty(len(curves.curves) + 1, dtype=np.int32)
    curves.curve_offset_data.foreach_get("value", offsets)
    radii = np.empty(len(curves.points), dtype=np.float32)
    curves.attributes["radius"].data.foreach_get("value", radii)
    uvs = np.empty(2 * len(curves.curves), dtype=np.float32)
    curves.attributes["surface_uv_coordinate"].data.foreach_get("vector", uvs)
    across = _cells_across(len(used))
    column, row = np.floor(uvs.reshape(-1, 2) * across).astype(int).T
    counts = np.diff(offsets)
    whole = np.flatnonzero(counts == points_a_strand)
    places = offsets[whole, None] + np.arange(points_a_strand)
    strands = points.reshape(-1, 3)[places].astype(np.float64)
    sound = np.isfinite(strands).all(axis=(1, 2)) & (np.ptp(strands, axis=1).max(axis=1) > 0)
    if not sound.any():
        raise RuntimeError(
            f"none of the {len(counts)} strands that Blender's hair nodes made has the {points_a_strand} points of a "
            "guide: the guides lie on other pieces of skin than the strands, or the node groups changed"
        )
    root_triangles = used[np.clip(row * across + column, 0, len(used) - 1)]
    return Strands(strands[sound], radii[places][sound].astype(np.float64), root_triangles[whole][sound])
