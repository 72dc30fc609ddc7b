"""Skin colour from pigments: a two-layer spectral model from melanin and haemoglobin to linear RGB.

The epidermis is a thin scattering layer that holds the melanin; the dermis below is endlessly thick and holds the
blood. Each layer follows Kubelka and Munk (two diffuse fluxes), and the two are stacked. Light that the surface
itself mirrors is left out: the renderer adds it. The reflectance spectrum is seen under D65 by the CIE 1931 observer
and becomes linear sRGB.

Sources of the optics: Donner and Jensen 2006 (A Spectral BSSRDF for Shading Human Skin) for melanin and for
skin without pigment; Jacques 2013 (Optical properties of biological tissues) for scattering; Prahl's tabulation for
haemoglobin; Wyman, Sloan and Shirley 2013 (Simple Analytic Approximations to the CIE XYZ Colour Matching Functions).
Checked in the tests against the two skin patches of the ColorChecker chart (McCamy and others 1976), which are averages
of measured light and dark human skin.
"""

import numpy as np
from jaxtyping import Float

MELANIN_LIMITS = (0.0, 0.6)
HAEMOGLOBIN_LIMITS = (0.0, 0.2)

_WAVELENGTHS_NM = np.arange(400.0, 701.0, 10.0)

# Molar extinction of oxygenated and of free haemoglobin, 400 to 700 nm in steps of 10, in 1/(cm mol/l). Source: Prahl,
# "Optical absorption of hemoglobin", compiled from Gratzer and Kollias.
_OXYGENATED_EXTINCTION = np.array(
    [266232, 466840, 480360, 246072, 102580, 62816, 44480, 33209.2, 26629.2, 23684.4, 20932.8, 20035.2, 24202.4,
     39956.8, 53236, 43016, 32613.2, 44496, 50104, 14400.8, 3200, 1506, 942, 610, 442, 368, 319.6, 294, 277.6, 276, 290]
)  # fmt: skip
_FREE_EXTINCTION = np.array(
    [223296, 303956, 407560, 528600, 413280, 103292, 23388.8, 16156.4, 14550, 16684, 20862, 25773.6, 31589.6, 39036.4,
     46592, 53412, 53788, 45072, 37020, 28324.4, 14677.2, 9443.6, 6509.6, 5148.8, 4345.2, 3750.12, 3226.56, 2795.12,
     2407.92, 2051.96, 1794.28]
)  # fmt: skip
_BLOOD_HAEMOGLOBIN_G_PER_L = 150.0
_HAEMOGLOBIN_G_PER_MOL = 64500.0
_OXYGENATED_SHARE = 0.75

# Relative power of daylight at 6504 K, same wavelengths. Source: CIE standard illuminant D65.
_D65 = np.array(
    [82.75, 91.49, 93.43, 86.68, 104.86, 117.01, 117.81, 114.86, 115.92, 108.81, 109.35, 107.80, 104.79, 107.69, 104.41,
     104.05, 100.00, 96.33, 95.79, 88.69, 90.01, 89.60, 87.70, 83.29, 83.70, 80.03, 80.21, 82.28, 78.28, 69.72, 71.61]
)  # fmt: skip
_LINEAR_SRGB_FROM_XYZ = np.array(
    [[3.2404542, -1.5371385, -0.4985314], [-0.9692660, 1.8760108, 0.0415560], [0.0556434, -0.2040259, 1.0572252]]
)

# The share is ours: of 0.6, 0.8 and 1 it brings the model closest to both ColorChecker skin patches at the melanin
# fractions that Jacques gives for light (0.013 to 0.063) and dark (0.18 to 0.43) skin.
_EUMELANIN_SHARE = 0.8
_EPIDERMIS_THICKNESS_CM = 0.006
_SCATTERING_PER_CM_AT_500_NM = 46.0


def skin_albedo_rgb(melanin: float, haemoglobin: float) -> Float[np.ndarray, "3"]:
    """Diffuse albedo of skin, scene-linear sRGB primaries, each channel in 0..1.

    `melanin` is the volume fraction of melanosomes in the epidermis (0.013 very pale, 0.43 very dark), `haemoglobin`
    that of blood in the dermis (0.02 to 0.07). More of either pigment never makes any channel brighter.
    Raises: ValueError outside 0..0.6 and 0..0.2.
    """
    for name, value, (low, high) in (
        ("melanin", melanin, MELANIN_LIMITS),
        ("haemoglobin", haemoglobin, HAEMOGLOBIN_LIMITS),
    ):
        if not low <= value <= high:
            raise ValueError(
                f"skin_albedo_rgb: {name} is a volume fraction and must lie in {low}..{high}, but {value} came; "
                "check the range of this pigment in the recipe"
            )
    rgb = _LINEAR_SRGB_FROM_XYZ @ (_xyz_weights() @ skin_reflectance(melanin, haemoglobin))
    return np.clip(rgb, 0.0, 1.0)


def skin_reflectance(melanin: float, haemoglobin: float) -> Float[np.ndarray, " wavelengths"]:
    """Diffuse reflectance of skin at 400 to 700 nm in steps of 10 nm, 0..1."""
    scattering = _SCATTERING_PER_CM_AT_500_NM * (_WAVELENGTHS_NM / 500.0) ** -1.421
    baseline = 0.244 + 85.3 * np.exp(-(_WAVELENGTHS_NM - 154.0) / 66.2)
    epidermis = melanin * _melanin_absorption_per_cm() + (1.0 - melanin) * baseline
    dermis = haemoglobin * _blood_absorption_per_cm() + (1.0 - haemoglobin) * baseline
    layer_reflectance, layer_transmittance = _thin_layer(epidermis, scattering, _EPIDERMIS_THICKNESS_CM)
    below = _endless_layer(dermis, scattering)
    return layer_reflectance + layer_transmittance**2 * below / (1.0 - layer_reflectance * below)


def _melanin_absorption_per_cm() -> Float[np.ndarray, " wavelengths"]:
    eumelanin = 6.6e11 * _WAVELENGTHS_NM**-3.33
    pheomelanin = 2.9e15 * _WAVELENGTHS_NM**-4.75
    return _EUMELANIN_SHARE * eumelanin + (1.0 - _EUMELANIN_SHARE) * pheomelanin


def _blood_absorption_per_cm() -> Float[np.ndarray, " wavelengths"]:
    extinction = _OXYGENATED_SHARE * _OXYGENATED_EXTINCTION + (1.0 - _OXYGENATED_SHARE) * _FREE_EXTINCTION
    return np.log(10.0) * extinction * _BLOOD_HAEMOGLOBIN_G_PER_L / _HAEMOGLOBIN_G_PER_MOL


def _endless_layer(absorption: np.ndarray, scattering: np.ndarray) -> np.ndarray:
    ratio = _kubelka_munk_ratio(absorption, scattering)
    return 1.0 + ratio - np.sqrt(ratio**2 + 2.0 * ratio)


def _thin_layer(absorption: np.ndarray, scattering: np.ndarray, thickness_cm: float) -> tuple[np.ndarray, np.ndarray]:
    a = 1.0 + _kubelka_munk_ratio(absorption, scattering)
    b = np.sqrt(a**2 - 1.0)
    depth = b * 0.75 * scattering * thickness_cm
    denominator = a * np.sinh(depth) + b * np.cosh(depth)
    return np.sinh(depth) / denominator, b / denominator


def _kubelka_munk_ratio(absorption: np.ndarray, scattering: np.ndarray) -> np.ndarray:
    # K = 2 mu_a and S = 3/4 mu_s' (diffuse light travels twice the depth; the share of forward scattering is removed).
    return 2.0 * absorption / (0.75 * scattering)


def _xyz_weights() -> Float[np.ndarray, "3 wavelengths"]:
    def lobe(peak_nm: float, below_nm: float, above_nm: float) -> np.ndarray:
        width = np.where(peak_nm > _WAVELENGTHS_NM, below_nm, above_nm)
        return np.exp(-0.5 * ((_WAVELENGTHS_NM - peak_nm) / width) ** 2)

    x = 1.056 * lobe(599.8, 37.9, 31.0) + 0.362 * lobe(442.0, 16.0, 26.7) - 0.065 * lobe(501.1, 20.4, 26.2)
    y = 0.821 * lobe(568.8, 46.9, 40.5) + 0.286 * lobe(530.9, 16.3, 31.1)
    z = 1.217 * lobe(437.0, 11.8, 36.0) + 0.681 * lobe(459.0, 26.0, 13.8)
    weights = np.stack([x, y, z]) * _D65
    # A perfect white must come out as exactly the white of sRGB, although 400 to 700 nm cut a little of z off.
    white_xyz = np.linalg.solve(_LINEAR_SRGB_FROM_XYZ, np.ones(3))
    return weights * (white_xyz / weights.sum(axis=1))[:, None]
