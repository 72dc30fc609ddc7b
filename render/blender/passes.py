"""One scene for each layer of a product, its passes and AOVs: from Blender scenes to named float arrays.

A layer is a scene of its own, not a view layer with excluded collections (docs/decisions/0010-a-layer-is-a-scene.md).
"""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np
import OpenEXR
from jaxtyping import Float32, UInt8

from render.blender import node_graph as graph
from render.blender.session import Device, add_scene, quiet_blender
from render.ground_truth.assemble import FirstHits

# What a collection is decides in which layer it is seen; rig and camera are in all of them. The key light is linked to
# the `rgb` scene itself.
HEAD, WORN, SHADING_ONLY, RIG = "head", "worn", "shading_only", "rig"
COLLECTIONS_OF_LAYER = {
    "rgb": (RIG, HEAD, WORN, SHADING_ONLY),
    "gt_head": (RIG, HEAD),
    "gt_worn": (RIG, WORN),
}
LAYERS_OF_PRODUCT = {"rgb": ("rgb",), "gt": ("gt_head", "gt_worn")}
NORMAL_AOV, LABEL_AOV = "surface_normal", "surface_label"


@dataclass(frozen=True)
class Stage:
    """Scenes by layer and the collections that they share; what is linked to a collection appears in its layers."""

    scenes: Mapping[str, bpy.types.Scene]
    collections: Mapping[str, bpy.types.Collection]
    products: tuple[str, ...]


def prepare_stage(products: Sequence[str], *, device: Device) -> Stage:
    """Make the scenes of the wanted products in an empty session. Each of them shows the rig; the first is active."""
    spare = list(bpy.data.scenes)
    names = [layer for product in products for layer in LAYERS_OF_PRODUCT[product]]
    collections = {name: bpy.data.collections.new(name) for name in COLLECTIONS_OF_LAYER["rgb"]}
    measuring = _measuring_material()
    scenes = {}
    for name in names:
        scenes[name] = add_scene(name, device=device)
        # Strands are round tubes, in the picture as in the ground truth. Ribbons, Cycles' default, are flat and of
        # straight pieces: 400 um and an eighth of their pixels off where strands are 0.4 mm thick and wavy.
        scenes[name].cycles_curves.shape = "THICK"
        for shown in COLLECTIONS_OF_LAYER[name]:
            scenes[name].collection.children.link(collections[shown])
        if name != "rgb":
            _measure_surfaces(scenes[name], measuring)
    bpy.context.window.scene = scenes[names[0]]
    for scene in spare:
        bpy.data.scenes.remove(scene)
    return Stage(scenes=scenes, collections=collections, products=tuple(products))


def _measure_surfaces(scene: bpy.types.Scene, measuring: bpy.types.Material) -> None:
    layer = scene.view_layers[0]
    layer.material_override = measuring
    layer.use_pass_combined = False
    layer.use_pass_z = True
    # The first sample of Cycles goes through the pixel centre; a second one would average two surfaces.
    scene.cycles.samples = 1
    # … but for the rounding of a table over the width of the pixel filter: at 1.5 px it is off by 0.0007 px, which was
    # 36 um of depth at 64 x 48.
    scene.cycles.filter_width = 0.01
    scene.cycles.use_adaptive_sampling = False
    scene.cycles.use_denoising = False
    scene.cycles.max_bounces = 0
    for aov, kind in ((NORMAL_AOV, "COLOR"), (LABEL_AOV, "VALUE")):
        added = layer.aovs.add()
        added.name, added.type = aov, kind


def set_surface_labels(mesh: bpy.types.Mesh, labels: UInt8[np.ndarray, " f"]) -> None:
    """Give each face of a mesh the label that the ground truth shows for it."""
    attribute = mesh.attributes.new(LABEL_AOV, "FLOAT", "FACE")
    attribute.data.foreach_set("value", labels.astype(np.float32))


def _measuring_material() -> bpy.types.Material:
    """What all surfaces and strands are made of in a ground-truth scene: opaque, it writes smooth normal and label.

    One material for all keeps ground truth independent of any shading: a bump map would bend the normal.
    """
    material = bpy.data.materials.new("measuring")
    material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()
    label = graph.add_node(
        tree, "ShaderNodeAttribute", settings={"attribute_type": "GEOMETRY", "attribute_name": LABEL_AOV}
    ).outputs["Fac"]
    surface = graph.add_node(tree, "ShaderNodeBsdfDiffuse").outputs[0]
    graph.add_node(tree, "ShaderNodeOutputMaterial", inputs={"Surface": surface})
    normal = graph.add_node(tree, "ShaderNodeNewGeometry").outputs["Normal"]
    graph.add_node(tree, "ShaderNodeOutputAOV", settings={"aov_name": NORMAL_AOV}, inputs={"Color": normal})
    graph.add_node(tree, "ShaderNodeOutputAOV", settings={"aov_name": LABEL_AOV}, inputs={"Value": label})
    return material


def render_surface(scene: bpy.types.Scene) -> FirstHits:
    """Render a ground-truth scene."""
    channels = _render(scene)
    return FirstHits(
        depth_m=_channel(channels, "Depth.Z", "Depth.V"),
        normals_world=_triple(channels, NORMAL_AOV),
        label=_channel(channels, f"{LABEL_AOV}.V", f"{LABEL_AOV}.X", f"{LABEL_AOV}.Z"),
    )


def render_radiance(scene: bpy.types.Scene) -> Float32[np.ndarray, "h w 3"]:
    """Render the picture of a scene, scene-linear."""
    return _triple(_render(scene), "Combined")


def _render(scene: bpy.types.Scene) -> dict[str, Float32[np.ndarray, "h w"]]:
    """All passes of a scene as float32, by channel name without the view layer's."""
    scene.render.image_settings.file_format = "OPEN_EXR_MULTILAYER"
    scene.render.image_settings.color_depth = "32"
    scene.render.image_settings.exr_codec = "NONE"
    with tempfile.TemporaryDirectory(prefix="headroom-passes-") as folder:
        path = Path(folder) / "passes.exr"
        scene.render.filepath = str(path)
        with quiet_blender():
            bpy.ops.render.render(write_still=True, scene=scene.name)
        with OpenEXR.File(str(path), separate_channels=True) as file:
            return {
                name.partition(".")[2]: np.asarray(channel.pixels, dtype=np.float32)
                for name, channel in file.channels().items()
            }


def _channel(channels: Mapping[str, np.ndarray], *names: str) -> Float32[np.ndarray, "h w"]:
    for name in names:
        if name in channels:
            return channels[name]
    raise RuntimeError(f"Cycles wrote no channel {names[0]}; it wrote {sorted(channels)}")


def _triple(channels: Mapping[str, np.ndarray], name: str) -> Float32[np.ndarray, "h w 3"]:
    axes = "XYZ" if f"{name}.X" in channels else "RGB"
    return np.stack([_channel(channels, f"{name}.{axis}") for axis in axes], axis=-1)
