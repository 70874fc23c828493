"""Fault M1: every attack works outside, none inside, and each layer stops its own alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from checks.sandbox import Limits, ModelFailed, ModelSession
from checks.sandbox.landlock import abi
from tests.checks.sandbox.attacks import ATTACKS, INHERITED, STOPPED_BY, Attack
from tests.checks.sandbox.environments import public_interpreter, require_real_root
from tests.checks.sandbox.world import World, a_world

if TYPE_CHECKING:
    from collections.abc import Iterator

OWN = Path(sys.executable)
LIMITS = Limits(memory_bytes=1 << 30, cpu_s=1, wall_s=30)
ALONE = [(layer, name) for layer, names in STOPPED_BY.items() for name in names]
LOADING = "import pickle, sys; pickle.loads(sys.stdin.buffer.read())"


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with a_world() as made:
        monkeypatch.setenv(INHERITED, made.secret)
        yield made


def load_plainly(attack: Attack, world: World) -> bytes:
    done = subprocess.run(
        [OWN, "-I", "-c", LOADING],
        input=attack.payload(world),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=60,
        check=False,
        env=dict(os.environ),
    )
    return done.stdout


def load_confined(
    attack: Attack, world: World, interpreter: Path, only: frozenset[str] | None
) -> bytes:
    with ModelSession(interpreter, limits=LIMITS, only=only) as session:
        try:
            session.load(attack.payload(world), "pickle")
            sentence = ""
        except ModelFailed as failure:
            sentence = failure.sentence
    return session.noise + sentence.encode()


def end_daemon(output: bytes) -> None:
    words = output.split()
    if b"daemon" in words:
        os.kill(int(words[words.index(b"daemon") + 1]), 9)


@pytest.mark.parametrize("name", ATTACKS)
def test_m1_every_attack_has_its_effect_outside_the_sandbox(name: str, world: World) -> None:
    output = load_plainly(ATTACKS[name], world)
    end_daemon(output)
    assert ATTACKS[name].had_effect(world, output), output.decode(errors="replace")


@pytest.mark.parametrize("name", ATTACKS)
def test_m1_no_attack_has_an_effect_inside(name: str, world: World) -> None:
    output = load_confined(ATTACKS[name], world, OWN, None)
    assert not ATTACKS[name].had_effect(world, output), output.decode(errors="replace")


@pytest.mark.parametrize(("layer", "name"), ALONE)
def test_m1_each_layer_stops_its_attacks_with_the_others_off(
    layer: str, name: str, world: World
) -> None:
    needed, present = STOPPED_BY[layer][name], abi() or 0
    if needed > present:
        pytest.skip(f"this kernel's Landlock has ABI {present}; {name!r} takes {needed}")
    interpreter = OWN
    if layer == "uid":
        require_real_root()
        interpreter = public_interpreter()
    output = load_confined(ATTACKS[name], world, interpreter, frozenset({layer}))
    assert not ATTACKS[name].had_effect(world, output), output.decode(errors="replace")


@pytest.mark.parametrize("layer", STOPPED_BY)
def test_a_layer_alone_lets_through_what_is_anothers_to_stop(layer: str, world: World) -> None:
    """Otherwise the test above could pass for a reason that is not the layer."""
    name = {"seccomp": "write a file", "landlock": "send by UDP"}.get(layer, "send by UDP")
    interpreter = public_interpreter() if layer == "uid" else OWN
    output = load_confined(ATTACKS[name], world, interpreter, frozenset({layer}))
    assert ATTACKS[name].had_effect(world, output), output.decode(errors="replace")
