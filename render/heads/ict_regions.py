"""What each face of the ICT head is made of, from the ordinals of its README, its texture islands and its landmarks."""

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from render.heads.model import Region
from render.heads.obj_file import ObjMesh

VERTEX_COUNT = 26_719
FACE_COUNT = 26_384
# Vertex ranges, [first, end). Source: README of ICT-FaceKit, "Face Model Topology", "Eyeball Details", "Teeth Details".
SKIN_VERTICES = (0, 14_062)
MOUTH_SOCKET_VERTICES = (11_248, 13_294)
LOWER_TEETH_VERTICES = (19_247, 21_451)
EYEBALL_VERTICES = {"eye_left": (21_451, 23_021), "eye_right": (23_021, 24_591)}
# Polygon ranges, [first, end): ordinals of the README, split where one texture island ends and the next begins.
FACE_RANGES: tuple[tuple[int, int, Region], ...] = (
    (0, 9_230, Region.SKIN),
    (9_230, 10_412, Region.SCALP),  # "Head and Neck" above the hair line
    (10_412, 10_532, Region.SKIN),  # backs of the ears
    (10_532, 11_144, Region.NECK),  # neck and shoulders
    (11_144, 13_226, Region.GUMS),  # mouth socket
    (13_226, 14_034, Region.SKIN),  # eye sockets
    (14_034, 16_572, Region.GUMS),
    (16_572, 17_006, Region.TONGUE),
    (17_006, 21_496, Region.TEETH),
    (21_496, 22_296, Region.SCLERA),
    (22_296, 23_094, Region.IRIS),
    (23_094, 23_894, Region.SCLERA),
    (23_894, 24_692, Region.IRIS),
    (24_692, 25_018, Region.LACRIMAL_FLUID),
    (25_018, 25_048, Region.EYE_BLEND),
    (25_048, 25_304, Region.EYE_OCCLUSION),
    (25_304, 26_384, Region.LASHES),
)
EAR_BACK_FACES = (10_412, 10_532)
MOUTH_SOCKET_FACES = (11_144, 13_226)
OUTER_EYE_SHELL_FACES = ((21_496, 22_296), (23_094, 23_894))
INNER_EYE_SHELL_FACES = ((22_296, 23_094), (23_894, 24_692))
LASH_FACES = (25_304, 26_384)
# Loops of edges around the slit of the mouth, counted from the mouth socket. The landmarks of the outer lip lie on
# loops 13 to 15 above and 12 below; a whole loop is the smoothest border, so the upper lip takes the middle one.
UPPER_LIP_LOOPS = 14
LOWER_LIP_LOOPS = 12
# Skin below this slanted line is neck: height + slope * depth. It passes under the jaw and through the nape.
NECK_LINE_SLOPE = 0.285
NECK_LINE_M = -0.066


def neck_height_m(points_m: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, " n"]:
    """Height along the neck, which leans forward: 0 at the level of the ears, negative below, metres."""
    return points_m[:, 1] + NECK_LINE_SLOPE * points_m[:, 2]


def ict_face_regions(
    mesh: ObjMesh,
    mean_m: Float[np.ndarray, "n 3"],
    landmark_vertices: Int[np.ndarray, "68"],
    iris: Bool[np.ndarray, " f"],
) -> UInt8[np.ndarray, " f"]:
    """Region of every face of the neutral mesh.

    The outer shell of an eyeball covers the iris of the model with its cornea. It is rendered opaque, so its faces
    within the limbus (`iris`) are IRIS, and the inner shell, which nobody can see, is left out by `visible_faces`.
    """
    regions = np.empty(len(mesh.face_sizes), dtype=np.uint8)
    for first, end, region in FACE_RANGES:
        regions[first:end] = region
    regions[iris] = Region.IRIS
    heights_m = face_mean(mesh, neck_height_m(mean_m)[mesh.face_vertices])
    regions[(regions == Region.SKIN) & (heights_m < NECK_LINE_M)] = Region.NECK
    regions[_lip_faces(mesh, mean_m, landmark_vertices)] = Region.LIPS
    return regions


def visible_faces(mesh: ObjMesh) -> Bool[np.ndarray, " f"]:
    """All faces but those of the inner shells of the eyeballs, which the opaque outer shells enclose."""
    keep = np.ones(len(mesh.face_sizes), dtype=bool)
    for first, end in INNER_EYE_SHELL_FACES:
        keep[first:end] = False
    return keep


def face_mean(mesh: ObjMesh, corner_values: Float[np.ndarray, " c"]) -> Float[np.ndarray, " f"]:
    """Mean of a value over the corners of each face."""
    return np.add.reduceat(corner_values, _face_starts(mesh)) / mesh.face_sizes


def corner_range(mesh: ObjMesh, first: int, end: int) -> slice:
    """Where the corners of a range of faces lie in the mesh's arrays."""
    starts = np.append(_face_starts(mesh), len(mesh.face_vertices))
    return slice(int(starts[first]), int(starts[end]))


def corners_of_faces(mesh: ObjMesh, first: int, end: int) -> Int[np.ndarray, " c"]:
    """The vertices of the corners of a range of faces."""
    return mesh.face_vertices[corner_range(mesh, first, end)]


def _face_starts(mesh: ObjMesh) -> Int[np.ndarray, " f"]:
    return np.concatenate([[0], np.cumsum(mesh.face_sizes)[:-1]])


def _lip_faces(
    mesh: ObjMesh, mean_m: Float[np.ndarray, "n 3"], landmark_vertices: Int[np.ndarray, "68"]
) -> Bool[np.ndarray, " f"]:
    """Faces within the outermost loop of the upper lip above the line between the lips, of the lower lip below it."""
    loops = _loops_around_mouth(mesh)[mesh.face_vertices]
    farthest = np.maximum.reduceat(loops, _face_starts(mesh))
    x_m, y_m = (face_mean(mesh, mean_m[mesh.face_vertices, axis].astype(np.float64)) for axis in (0, 1))
    # Landmarks 60..64 run along the upper rim of the slit, 64..67 and 60 back along the lower one.
    upper_m, lower_m = mean_m[landmark_vertices[60:65]], mean_m[landmark_vertices[[60, 67, 66, 65, 64]]]
    line_m = np.vstack([mean_m[landmark_vertices[48]], (upper_m + lower_m) / 2, mean_m[landmark_vertices[54]]])
    above = y_m > np.interp(x_m, line_m[:, 0], line_m[:, 1])
    lips = farthest <= np.where(above, UPPER_LIP_LOOPS, LOWER_LIP_LOOPS)
    lips[FACE_RANGES[0][1] :] = False
    return lips


def _loops_around_mouth(mesh: ObjMesh) -> Int[np.ndarray, " n"]:
    """For each vertex, how many faces lie between it and the mouth socket (a large number beyond the lips)."""
    beyond = UPPER_LIP_LOOPS + 1
    loops = np.full(len(mesh.vertices), beyond, dtype=np.int32)
    face_end = FACE_RANGES[0][1]
    starts = _face_starts(mesh)[:face_end]
    corners = corners_of_faces(mesh, 0, face_end)
    sizes = mesh.face_sizes[:face_end]
    socket = corners_of_faces(mesh, *MOUTH_SOCKET_FACES)
    loops[np.intersect1d(socket, corners)] = 0
    for loop in range(1, beyond):
        touched = np.repeat(np.minimum.reduceat(loops[corners], starts) == loop - 1, sizes)
        reached = corners[touched]
        loops[reached] = np.minimum(loops[reached], loop)
    return loops
