"""Property tests are not timed: the machine may be busy with other things. They try the same
examples every time, so that a change is judged and not its luck; HYPOTHESIS_PROFILE=explore looks
for new ones."""

import os

from hypothesis import settings

settings.register_profile("same", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None, derandomize=False)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))
