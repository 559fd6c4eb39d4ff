# A project with nothing but the processing system and the engine, up to the bitstream.
#
#   vivado -mode batch -source vivado/design.tcl -tclargs PART [BOARD_PART [MHZ]]
#
# BOARD_PART (such as tul.com.tw:pynq-z2:part0:1.0, installed in Vivado) says what memory the board has; without it the
# processing system keeps Vivado's defaults, which fit no board. PYNQ and Linux set the memory up before, so there it
# does not matter. MHZ: of the engine, 50 by default. npu.bit and npu.hwh are left in the current folder.

if {[llength $argv] < 1} {
    error "usage: vivado -mode batch -source vivado/design.tcl -tclargs PART \[BOARD_PART \[MHZ\]\]"
}
lassign $argv part board mhz
if {$mhz eq ""} {
    set mhz 50
}
source [file join [file dirname [file normalize [info script]]] add_npu.tcl]

create_project npu npu_project -part $part
if {$board ne ""} {
    set_property board_part $board [current_project]
}
create_bd_design npu
if {[string match -nocase xc7z* $part]} {
    set system processing_system7_0
    create_bd_cell -type ip -vlnv xilinx.com:ip:processing_system7:5.5 $system
    apply_bd_automation -rule xilinx.com:bd_rule:processing_system7 \
        -config [list make_external "FIXED_IO, DDR" apply_board_preset [expr {$board ne ""}]] [get_bd_cells $system]
    set_property CONFIG.PCW_FPGA0_PERIPHERAL_FREQMHZ $mhz [get_bd_cells $system]
} else {
    set system zynq_ultra_ps_e_0
    create_bd_cell -type ip -vlnv xilinx.com:ip:zynq_ultra_ps_e $system
    apply_bd_automation -rule xilinx.com:bd_rule:zynq_ultra_ps_e \
        -config [list apply_board_preset [expr {$board ne ""}]] [get_bd_cells $system]
    set_property CONFIG.PSU__CRL_APB__PL0_REF_CTRL__FREQMHZ $mhz [get_bd_cells $system]
}
add_npu $system
validate_bd_design
save_bd_design

add_files -norecurse [make_wrapper -files [get_files npu.bd] -top]
set_property top npu_wrapper [current_fileset]
launch_runs impl_1 -to_step write_bitstream -jobs 4
wait_on_run impl_1
if {[get_property PROGRESS [get_runs impl_1]] ne "100%"} {
    error "the implementation has failed: see npu_project/npu.runs/impl_1"
}
file copy -force [get_property DIRECTORY [get_runs impl_1]]/npu_wrapper.bit npu.bit
file copy -force [lindex [glob npu_project/npu.gen/sources_1/bd/npu/hw_handoff/npu.hwh \
    npu_project/npu.srcs/sources_1/bd/npu/hw_handoff/npu.hwh] 0] npu.hwh
