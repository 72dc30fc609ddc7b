"""A picture as the backdrop: each of its pixels behind the frame's pixel at the same place."""

import bpy
import numpy as np
from jaxtyping import Float32, UInt8

from render.blender import node_graph as graph
from render.blender.node_graph import Socket


def picture_colour(tree: bpy.types.NodeTree, rgb_srgb: UInt8[np.ndarray, "h w 3"]) -> Socket:
    """The scene-linear colour of an sRGB picture of the frame's size, in window coordinates."""
    encoded = rgb_srgb.astype(np.float32) / 255
    # The inverse of the curve in render/picture.py.
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4).astype(np.float32)
    window = graph.add_node(tree, "ShaderNodeTexCoord").outputs["Window"]
    settings = {"image": linear_image("picture", linear), "interpolation": "Closest", "extension": "EXTEND"}
    return graph.add_node(tree, "ShaderNodeTexImage", settings=settings, inputs={"Vector": window}).outputs["Color"]


def linear_image(name: str, rgb_linear: Float32[np.ndarray, "h w 3"]) -> bpy.types.Image:
    """A new image of these scene-linear pixels, top row up."""
    height_px, width_px, _ = rgb_linear.shape
    pixels = np.ones((height_px, width_px, 4), dtype=np.float32)
    pixels[..., :3] = rgb_linear[::-1]  # Blender stores the bottom row first
    image = bpy.data.images.new(name, width_px, height_px, alpha=False, float_buffer=True)
    image.colorspace_settings.name = "Linear Rec.709"
    image.pixels.foreach_set(pixels.ravel())
    return image
