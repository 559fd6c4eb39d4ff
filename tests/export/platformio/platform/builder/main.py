"""Builds a project with the GCC that its option custom_prefix names; without it, this machine's."""

from SCons.Script import Default, DefaultEnvironment

environment = DefaultEnvironment()
prefix = environment.GetProjectOption("custom_prefix", "")
environment.Replace(AR=prefix + "gcc-ar", CC=prefix + "gcc", CXX=prefix + "g++", LINK=prefix + "gcc")
environment.Replace(RANLIB=prefix + "gcc-ranlib")
environment.Append(LINKFLAGS=environment.GetProjectOption("custom_link_flags", "").split())
program = environment.BuildProgram()
run = environment.VerboseAction("$BUILD_DIR/${PROGNAME}", "Running the program")
environment.AddTarget("exec", program, run, "Run")
Default(program)
