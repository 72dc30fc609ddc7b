"""View layers, passes and AOVs: from a Blender scene to named float arrays."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np
import OpenEXR
from jaxtyping import Float32

from render.dataset_format import Label

# What a collection is decides in which layer it is seen.
HEAD, WORN, SHADING_ONLY = "head", "worn", "shading_only"
COLLECTIONS_OF_LAYER = {
    "rgb": (HEAD, WORN, SHADING_ONLY),
    "gt_visible": (HEAD, WORN),
    "gt_head": (HEAD,),
}
LAYERS_OF_PRODUCT = {"rgb": ("rgb",), "gt": ("gt_visible", "gt_head")}
NORMAL_AOV, LABEL_AOV = "surface_normal", "surface_label"


@dataclass(frozen=True)
class SurfacePasses:
    """First hits at the pixel centres: planar depth (1e10 = nothing), smooth normals in world axes, labels."""

    depth_m: Float32[np.ndarray, "h w"]
    normals_world: Float32[np.ndarray, "h w 3"]
    label: Float32[np.ndarray, "h w"]


@dataclass(frozen=True)
class RenderedPasses:
    """What one call of Cycles returned; `rgb_linear` is scene-linear, the surfaces are by ground-truth layer."""

    rgb_linear: Float32[np.ndarray, "h w 3"] | None
    surfaces: dict[str, SurfacePasses]


def prepare_layers(scene: bpy.types.Scene, products: Sequence[str]) -> dict[str, bpy.types.Collection]:
    """Make the three collections and the view layers that the products need; returns the collections by name."""
    collections = {}
    for name in (HEAD, WORN, SHADING_ONLY):
        collections[name] = bpy.data.collections.new(name)
        scene.collection.children.link(collections[name])
    spare = list(scene.view_layers)
    for product in products:
        for name in LAYERS_OF_PRODUCT[product]:
            _add_layer(scene, name, ground_truth=product == "gt")
    for layer in spare:
        scene.view_layers.remove(layer)
    return collections


def _add_layer(scene: bpy.types.Scene, name: str, *, ground_truth: bool) -> None:
    layer = scene.view_layers.new(name)
    for child in layer.layer_collection.children:
        child.exclude = child.name not in COLLECTIONS_OF_LAYER[name]
    layer.use_pass_combined = not ground_truth
    layer.use_pass_z = ground_truth
    if ground_truth:
        # The first sample of Cycles goes through the pixel centre; a second one would average two surfaces.
        layer.samples = 1
        layer.cycles.use_denoising = False
        layer.use_pass_combined = False
        for aov, kind in ((NORMAL_AOV, "COLOR"), (LABEL_AOV, "VALUE")):
            added = layer.aovs.add()
            added.name, added.type = aov, kind


def add_surface_outputs(material: bpy.types.Material, label: Label) -> None:
    """Let a material write its smooth geometric normal (no bump) and its label into the ground-truth layers."""
    tree = material.node_tree
    geometry = tree.nodes.new("ShaderNodeNewGeometry")
    normal = tree.nodes.new("ShaderNodeOutputAOV")
    normal.aov_name = NORMAL_AOV
    tree.links.new(geometry.outputs["Normal"], normal.inputs["Color"])
    value = tree.nodes.new("ShaderNodeOutputAOV")
    value.aov_name = LABEL_AOV
    value.inputs["Value"].default_value = float(label)


def render_passes(scene: bpy.types.Scene) -> RenderedPasses:
    """Render all view layers of the scene in one call of Cycles and read every pass as float32."""
    scene.render.image_settings.file_format = "OPEN_EXR_MULTILAYER"
    scene.render.image_settings.color_depth = "32"
    scene.render.image_settings.exr_codec = "NONE"
    with tempfile.TemporaryDirectory(prefix="headroom-passes-") as folder:
        path = Path(folder) / "passes.exr"
        scene.render.filepath = str(path)
        bpy.ops.render.render(write_still=True)
        with OpenEXR.File(str(path), separate_channels=True) as file:
            channels = {name: channel.pixels for name, channel in file.channels().items()}
    layers = {layer.name for layer in scene.view_layers}
    surfaces = {
        layer.removeprefix("gt_"): SurfacePasses(
            depth_m=_channel(channels, layer, ("Depth.Z", "Z.V", "Depth.V")),
            normals_world=_colour(channels, layer, NORMAL_AOV, ("X", "Y", "Z"), ("R", "G", "B")),
            label=_channel(channels, layer, (f"{LABEL_AOV}.V", f"{LABEL_AOV}.X", f"{LABEL_AOV}.Z")),
        )
        for layer in sorted(layers)
        if layer.startswith("gt_")
    }
    rgb = _colour(channels, "rgb", "Combined", ("R", "G", "B")) if "rgb" in layers else None
    return RenderedPasses(rgb_linear=rgb, surfaces=surfaces)


def _channel(channels: dict, layer: str, names: tuple[str, ...]) -> Float32[np.ndarray, "h w"]:
    for name in names:
        if f"{layer}.{name}" in channels:
            return np.asarray(channels[f"{layer}.{name}"], dtype=np.float32)
    raise RuntimeError(f"Cycles wrote no channel {layer}.{names[0]}; it wrote {sorted(channels)}")


def _colour(channels: dict, layer: str, name: str, *axes: tuple[str, ...]) -> Float32[np.ndarray, "h w 3"]:
    for axis in axes:
        if f"{layer}.{name}.{axis[0]}" in channels:
            return np.stack([_channel(channels, layer, (f"{name}.{part}",)) for part in axis], axis=-1)
    raise RuntimeError(f"Cycles wrote no pass {layer}.{name}; it wrote {sorted(channels)}")
