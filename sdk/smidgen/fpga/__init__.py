"""From Midge's sources and a program to a bitstream for a Lattice ECP5, with Yosys, nextpnr and Trellis."""
