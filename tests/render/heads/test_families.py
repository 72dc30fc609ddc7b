"""Families of heads by name: what is registered is what is loaded."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from render.heads.families import FAMILIES, PROCEDURAL_MODES, load_head_model
from render.heads.model import person_vertices_m
from render.heads.procedural import load_procedural
from render.ranges.people import HEAD_FAMILIES, OWN_FAMILIES


def test_the_procedural_family_is_loaded_without_any_asset(tmp_path: Path):
    """It names no asset, needs neither source nor cache, and has the registered number of modes."""
    model = load_head_model("procedural", assets_source=None, cache=tmp_path / "absent")
    assert FAMILIES["procedural"].asset_id is None
    assert len(model.identity_basis_m) == FAMILIES["procedural"].identity_modes
    assert not (tmp_path / "absent").exists()


def test_an_unknown_family_is_an_error_that_names_the_known_ones(tmp_path: Path):
    """No family is guessed."""
    known = ", ".join(sorted(HEAD_FAMILIES))
    with pytest.raises(ValueError, match=f"unknown head family 'smpl'; known are {known}"):
        load_head_model("smpl", assets_source=None, cache=tmp_path)


def test_what_a_recipe_may_name_is_what_is_registered(tmp_path: Path):
    """The families of `heads.family` are those of the table; one read from a file of the user's own needs that file."""
    assert set(HEAD_FAMILIES) == set(FAMILIES)
    for family in OWN_FAMILIES:
        with pytest.raises(ValueError, match=f"family '{family}' is read from a file of the user's own"):
            load_head_model(family, assets_source=None, cache=tmp_path)


def test_another_number_of_modes_than_registered_is_refused(tmp_path: Path, monkeypatch):
    """Draws rely on the number, so a model that has another one is an error that says what to change."""
    model = load_procedural()
    shorter = dataclasses.replace(model, identity_basis_m=model.identity_basis_m[:5])
    monkeypatch.setattr("render.heads.procedural.load_procedural", lambda: shorter)
    with pytest.raises(
        ValueError, match=rf"has 5 identity modes, but {PROCEDURAL_MODES} are registered in render/heads/families\.py"
    ):
        load_head_model("procedural", assets_source=None, cache=tmp_path)


def test_coefficients_of_another_family_are_refused():
    """A person needs as many coefficients as the family has modes."""
    with pytest.raises(
        ValueError, match=rf"'procedural' has {PROCEDURAL_MODES} identity modes, but 100 coefficients came"
    ):
        person_vertices_m(load_procedural(), np.zeros(100))
