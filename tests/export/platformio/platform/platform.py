from platformio.public import PlatformBase


class NativePlatform(PlatformBase):
    """A compiler that is on the search path: no package to fetch."""
