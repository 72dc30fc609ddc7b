"""Objects as renders see them: posed, deformed and subdivided."""

import bpy


def as_rendered(part: bpy.types.Object) -> bpy.types.Object:
    """The evaluated object behind one that stands in a scene, up to date with pose, shape keys and modifiers."""
    # A scene evaluates its own objects only: from another scene's point of view a part stands there undeformed.
    layer = part.users_scene[0].view_layers[0]
    layer.update()
    return part.evaluated_get(layer.depsgraph)
