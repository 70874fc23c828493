"""The line of the log that says where the time went."""

from __future__ import annotations

from typing import TYPE_CHECKING

from checks.action_times import CHECKS, PREPARING, PUBLISHING, START, Times, age_seconds

if TYPE_CHECKING:
    from tests.action.acting import Job


def test_parts_add_up_and_the_checks_are_left_out_of_the_rest() -> None:
    wall = iter([10.0, 11.0, 41.0, 43.0, 43.5])
    cpu = iter([0.8, 1.0, 21.0, 21.5, 22.0])
    times = Times(lambda: next(wall), lambda: next(cpu), lambda: 1.5)
    for part in (PREPARING, CHECKS, PUBLISHING, PREPARING):
        times.mark(part)
    assert set(times.parts) == {START, PREPARING, CHECKS, PUBLISHING}
    assert times.sentence() == (
        "Time: start 1.5 s (CPU 0.8 s), preparing 1.5 s (CPU 0.7 s), checks 30.0 s (CPU 20.0 s), "
        "publishing 2.0 s (CPU 0.5 s); without the checks 5.0 s (CPU 2.0 s)."
    )


def test_a_process_knows_when_it_began() -> None:
    first = age_seconds()
    assert 0 < first <= age_seconds()


def test_the_log_ends_with_the_parts(job: Job) -> None:
    job.start()
    job.push({"notes.txt": "no model"})
    (line,) = [line for line in job.run().out.splitlines() if line.startswith("Time: ")]
    assert all(f"{part} " in line for part in (START, PREPARING, CHECKS, PUBLISHING))
