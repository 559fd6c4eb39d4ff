"""The package that PlatformIO runs, made of the SCons that is installed beside it."""

import SCons.Script

SCons.Script.main()
