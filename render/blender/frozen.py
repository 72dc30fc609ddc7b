"""One evaluation for all layers: while a frame is rendered, plain meshes stand in for posed and subdivided ones.

Each layer is a scene of its own, and a render evaluates its scene from nothing: it would pose the person, and above
all build the topology of the subdivision, once for every layer of every frame. The interactive graph keeps that
topology from frame to frame.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import bpy


@contextmanager
def frozen_meshes(collections: Mapping[str, bpy.types.Collection]) -> Iterator[None]:
    """Replace every mesh object that modifiers or shape keys deform by its evaluated mesh, for renders alone.

    The objects themselves stay where they are, evaluated as before, but no render sees them until the end. What has
    `hide_render` set already stays hidden.
    """
    originals = [
        (part, collection)
        for collection in collections.values()
        for part in collection.objects
        if part.type == "MESH" and not part.hide_render and (part.modifiers or part.data.shape_keys)
        if part.users_scene  # else no layer of this stage shows it
    ]
    stand_ins: list[bpy.types.Object] = []
    try:
        for part, collection in originals:
            stand_ins.append(_stand_in(part))
            collection.objects.link(stand_ins[-1])
            part.hide_render = True
        yield
    finally:
        for part, _ in originals:
            part.hide_render = False
        meshes = [stand_in.data for stand_in in stand_ins]
        bpy.data.batch_remove([*stand_ins, *meshes])


def _stand_in(part: bpy.types.Object) -> bpy.types.Object:
    # A scene evaluates its own objects only.
    layer = part.users_scene[0].view_layers[0]
    layer.update()
    evaluated = part.evaluated_get(layer.depsgraph)
    mesh = bpy.data.meshes.new_from_object(evaluated, preserve_all_data_layers=True, depsgraph=layer.depsgraph)
    stand_in = bpy.data.objects.new(part.name, mesh)
    stand_in.matrix_world = evaluated.matrix_world
    for setting in ("visible_camera", "visible_diffuse", "visible_glossy", "visible_transmission", "visible_shadow"):
        setattr(stand_in, setting, getattr(part, setting))
    return stand_in
